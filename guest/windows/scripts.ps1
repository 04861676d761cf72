# Dot-sourced by run.ps1: what is known of the scripts, and how one runs. What has become of each is kept in lines "KEY VALUE",
# of which later ones go before earlier ones, as guest/init/parts/execute keeps it. ASCII only.

# By the end of the script's name; {0} is the script with its arguments.
$interpreters = @{
	'.ps1' = @{ Program = 'powershell.exe'; Arguments = '-NoProfile -NonInteractive -ExecutionPolicy Bypass -File {0}' }
	'.cmd' = @{ Program = 'cmd.exe'; Arguments = '/d /s /c "{0}"' }
}

# Conditions of a script by their key in its settings: what is found on this machine.
$conditions = [ordered] @{
	'only-os'         = { 'windows' }
	'only-arch'       = { $architectures[$env:PROCESSOR_ARCHITECTURE] }
	'only-firmware'   = { $firmwares[$env:firmware_type] }
	'only-hypervisor' = { Get-Hypervisor }
}

# All scripts in their order, with their settings.
function Get-Script {
	Get-ChildItem -LiteralPath (Join-Path -Path $plan -ChildPath 'scripts') -Directory | Sort-Object -Property Name | ForEach-Object {
		$settings = @{ folder = $_.FullName; name = $_.Name; number = ($_.Name -split '-')[0]; secret = ''; arguments = @() }
		foreach ($line in Get-Content -LiteralPath (Join-Path -Path $_.FullName -ChildPath 'settings') -Encoding UTF8) {
			$key, $value = $line -split ' ', 2
			if ($key -eq 'argument') { $settings.arguments += $value } else { $settings[$key] = $value }
		}
		$settings
	}
}

function Read-State([hashtable] $Script, [hashtable] $Subject) {
	$found = @{ state = 'pending'; boot = ''; day = ''; runs = '0' }
	$path = Join-Path -Path $Subject.Folder -ChildPath "$($Script.name).state"
	if (Test-Path -LiteralPath $path) {
		foreach ($line in Get-Content -LiteralPath $path -Encoding UTF8) {
			$key, $value = $line -split ' ', 2
			$found[$key] = $value
		}
	}
	return $found
}

function Write-State([hashtable] $Script, [hashtable] $Subject, [string[]] $Lines) {
	$path = Join-Path -Path $Subject.Folder -ChildPath "$($Script.name).state"
	$head = "kind $($Script.kind)", "when $($Script.when)", "hash $($Script.hash)"
	if ($Script.secret) { $head += 'secret yes' }
	Set-Content -LiteralPath $path -Value ($head + $Lines) -Encoding UTF8
}

# One that runs was broken off: whoever asks is alone.
function Test-Due([hashtable] $Script, [hashtable] $Subject, [string] $Boot) {
	$known = Read-State $Script $Subject
	if ($known.state -in 'pending', 'running') { return $true }
	if ($Script.when -eq 'every-boot') { return $known.boot -ne $Boot }
	return $Script.when.StartsWith('daily ') -and $known.day -ne (Get-Date -Format 'yyyy-MM-dd')
}

# Why the script is not for this machine, if it is not.
function Get-Unfit([hashtable] $Script, [hashtable] $Subject) {
	foreach ($key in $conditions.Keys) {
		if (-not $Script.ContainsKey($key)) { continue }
		$found = & $conditions[$key]
		if ($Script[$key] -ne $found) { return "it is for $($Script[$key]), and this is $found" }
	}
	if ($Script.ContainsKey('only-instances')) {
		$from, $to = $Script['only-instances'] -split ' '
		$found = $Subject.Values['instance']
		if ($null -eq $found) { return "it is for the instances $from to $to, and this is none" }
		if ([long] $found -lt [long] $from -or [long] $found -gt [long] $to) {
			return "it is for the instances $from to $to, and this is $found"
		}
	}
}

function Invoke-Script([hashtable] $Script, [hashtable] $Subject, [string] $Boot) {
	$unfit = Get-Unfit $Script $Subject
	if ($unfit) { return Write-State $Script $Subject @('state skipped', "boot $Boot", "reason $unfit") }
	$own = Join-Path -Path $Script.folder -ChildPath 'identifier'
	$given = $Subject
	if (Test-Path -LiteralPath $own) { $given = Get-Subject @(Get-Content -LiteralPath $own -Encoding UTF8) }
	if ($given.Problem) { return Write-State $Script $Subject @('state failed', "boot $Boot", "reason $($given.Problem)") }
	$started = Get-Date
	$known = Read-State $Script $Subject
	$runs = if ($known.state -eq 'running') { [int] $known.runs + 1 } else { 1 }
	if ($runs -gt $mostRuns) {
		return Write-State $Script $Subject @('state failed', "boot $Boot", "reason the machine has stopped $mostRuns times while it ran")
	}
	$head = "boot $Boot", "runs $runs", "day $($started.ToString('yyyy-MM-dd'))", "started $(Get-Seconds $started)"
	Write-State $Script $Subject (@('state running') + $head)
	$ended = Start-Script $Script $given
	$result = if ($ended.Reason) { 'failed' } else { 'done' }
	$took = ((Get-Date) - $started).TotalSeconds.ToString('F2', [Globalization.CultureInfo]::InvariantCulture)
	$tail = "exit $($ended.ExitCode)", "finished $(Get-Seconds (Get-Date))", "seconds $took"
	if ($ended.Reason) { $tail += "reason $($ended.Reason)" }
	if (-not $Script.secret) {
		$said = $ended.Output
		if ($said.Length -gt $keptCharacters) { $said = $said.Substring($said.Length - $keptCharacters) }
		[IO.File]::WriteAllText((Join-Path -Path $Subject.Folder -ChildPath "$($Script.name).output"), $said)
	}
	Write-State $Script $Subject (@("state $result") + $head + $tail)
}

function Get-Seconds([datetime] $Time) {
	return [long] ($Time.ToUniversalTime() - [datetime] '1970-01-01').TotalSeconds
}

# Runs the script, and ends it with all that it has started when its time is over.
function Start-Script([hashtable] $Script, [hashtable] $Subject) {
	$file = Get-ChildItem -LiteralPath $Script.folder -Filter 'script.*' | Select-Object -First 1
	$interpreter = $interpreters[$file.Extension]
	$words = @($file.FullName) + @($Script.arguments | ForEach-Object { $Subject.Environment[$_] })
	$line = ($words | ForEach-Object { '"' + ($_ -replace '"', '\"') + '"' }) -join ' '
	$info = New-Object -TypeName System.Diagnostics.ProcessStartInfo
	$info.FileName = $interpreter.Program
	$info.Arguments = $interpreter.Arguments -f $line
	$info.WorkingDirectory = $env:SystemDrive + '\'
	$info.UseShellExecute = $false
	$info.CreateNoWindow = $true
	$info.RedirectStandardOutput = $true
	$info.RedirectStandardError = $true
	foreach ($name in $Subject.Environment.Keys) { $info.EnvironmentVariables[$name] = $Subject.Environment[$name] }
	$info.EnvironmentVariables['CLONE_SCRIPT'] = $Script.name
	$process = [Diagnostics.Process]::Start($info)
	# Both are read while it runs: a full pipe would stop it.
	$outputs = $process.StandardOutput.ReadToEndAsync(), $process.StandardError.ReadToEndAsync()
	$reason = ''
	if (-not $process.WaitForExit([int] $Script.timeout * 1000)) {
		& taskkill.exe /t /f /pid $process.Id | Out-Null
		$process.WaitForExit()
		$reason = "was ended after $($Script.timeout) seconds, its time limit"
	} elseif ($process.ExitCode -ne 0) {
		$reason = "ended with exit code $($process.ExitCode)"
	}
	# What it has left running may hold the pipes.
	$said = @($outputs | ForEach-Object { if ($_.Wait(5000)) { $_.Result } }) -join ''
	return @{ ExitCode = $process.ExitCode; Reason = $reason; Output = $said }
}

# What guest/init/parts/report prints under Linux.
function Get-Report {
	'format 1'
	"version $(Read-Plan 'version')"
	$status = Join-Path -Path $state -ChildPath 'status'
	if (-not (Test-Path -LiteralPath $plan)) { 'status left' }
	elseif (Test-Path -LiteralPath $status) { Get-Content -LiteralPath $status -Encoding UTF8 }
	else { 'status waiting' }
	$current = Join-Path -Path $state -ChildPath 'current'
	if (-not (Test-Path -LiteralPath $current)) { return }
	$folder = Get-Content -LiteralPath $current
	Get-ChildItem -LiteralPath $folder -Filter '*.state' | Sort-Object -Property Name | ForEach-Object {
		"script $($_.BaseName)"
		Get-Content -LiteralPath $_.FullName -Encoding UTF8
		$output = Join-Path -Path $folder -ChildPath "$($_.BaseName).output"
		if (Test-Path -LiteralPath $output) { "output $([Convert]::ToBase64String([IO.File]::ReadAllBytes($output)))" }
	}
}
