# run.ps1 COMMAND [NUMBER]: runs the scripts of an image on the Windows machines that are made from it, each with its own
# parameters, which the machine computes from the ids of its hardware. guest/init/run does the same under Linux.
#
#   register        makes the scheduled tasks of plan\tasks, of which the first runs at once
#   boot            the scripts of the boot that are due, stage by stage
#   script NUMBER   a schedule's time has come: the script whose folder starts with that number
#   report          what has become of the scripts, for provider/init/report.ts
#   disable         nothing runs any more, all stays
#   remove          overwrites and removes scripts, parameters and secrets; what has become of them stays
#
# For Windows PowerShell 5.1, which Windows 10, Server 2016 and later have. ASCII only: it reads a file without a mark of its
# encoding in the machine's own.
param([string] $Command = 'report', [string] $Number = '')

$ErrorActionPreference = 'Stop'
$lib = $PSScriptRoot
$plan = Join-Path -Path $lib -ChildPath 'plan'
# Stays when scripts and parameters are removed. In here it is for administrators alone, as all of this is.
$state = Join-Path -Path $lib -ChildPath 'state'
$taskPath = '\clones-init\'
$networkSeconds = 30
$keptCharacters = 4096
# How often a script is begun that does not come to its end, because the machine stops.
$mostRuns = 3

. (Join-Path -Path $lib -ChildPath 'parameters.ps1')
. (Join-Path -Path $lib -ChildPath 'hardware.ps1')
. (Join-Path -Path $lib -ChildPath 'scripts.ps1')

$commands = @{
	'register' = { Register-Task }
	'boot'     = { Invoke-Boot }
	'script'   = { Invoke-Scheduled $Number }
	'report'   = { Get-Report }
	'disable'  = { Disable-Script }
	'remove'   = { Remove-Script }
}

function Read-Plan([string] $Name) {
	$path = Join-Path -Path $plan -ChildPath $Name
	if (-not (Test-Path -LiteralPath $path)) { return @() }
	return @(Get-Content -LiteralPath $path -Encoding UTF8)
}

function Register-Task {
	Protect-Folder
	Get-ChildItem -LiteralPath (Join-Path -Path $plan -ChildPath 'tasks') -Filter '*.xml' | ForEach-Object {
		$xml = (Get-Content -LiteralPath $_.FullName -Encoding UTF8 -Raw).Replace('%ProgramData%', $env:ProgramData)
		Register-ScheduledTask -TaskPath $taskPath -TaskName $_.BaseName -Xml $xml -Force | Out-Null
	}
}

# For the system and administrators alone, before anybody can log in: what wrote the files knows nothing of such rights.
function Protect-Folder {
	& icacls.exe $lib /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' /q | Out-Null
	if ($LASTEXITCODE -ne 0) { throw "icacls ended with exit code $LASTEXITCODE" }
	& icacls.exe "$lib\*" /reset /t /c /q | Out-Null
}

function Unregister-Task([string] $Name) {
	Get-ScheduledTask -TaskPath $taskPath -TaskName $Name -ErrorAction SilentlyContinue |
		Unregister-ScheduledTask -Confirm:$false
}

# Which machine this is, and its parameters; $null where nothing is to run.
function Get-Machine {
	$identifiers = Read-Plan 'identifier'
	$machine.Ids = Get-HardwareId (Read-Plan 'ids')
	foreach ($line in Read-Plan 'not-on') {
		$kind, $hash = $line -split ' '
		foreach ($id in @($machine.Ids.Keys)) {
			if (($id -split ' ')[0] -eq $kind -and (Get-Sha256 $machine.Ids[$id]) -eq $hash) { return Write-Status 'source' }
		}
	}
	$subject = Get-Subject $identifiers
	if ($subject.Problem) { return Write-Status 'problem' $subject.Problem }
	New-Item -ItemType Directory -Force -Path $subject.Folder | Out-Null
	Set-Content -LiteralPath (Join-Path -Path $state -ChildPath 'current') -Value $subject.Folder
	Write-Status 'running'
	return $subject
}

# By these identifiers: parameters, the environment that scripts get, and the folder of what has become of them; or a problem.
function Get-Subject([string[]] $Identifiers) {
	foreach ($identifier in $Identifiers) {
		if (-not $machine.Ids.ContainsKey($identifier)) { return @{ Problem = "this machine has no $identifier, which it was to be told by" } }
	}
	$machine.Own = $Identifiers
	$id = Get-IdText ''
	$computed = Get-ParameterValue (Read-Plan 'parameters')
	foreach ($name in $computed.Problems.Keys) {
		# Not every id carries a number.
		if ($name -ne 'instance') { return @{ Problem = "parameter $name $($computed.Problems[$name])" } }
	}
	$environment = @{ 'CLONE_ID' = $id; 'CLONE_IDENTIFIER' = $Identifiers -join '/' }
	foreach ($line in Read-Plan 'variables') {
		$name, $variable = $line -split ' '
		if ($computed.Values.ContainsKey($name)) { $environment[$variable] = $computed.Values[$name] }
	}
	$folder = Join-Path -Path $state -ChildPath (Get-Sha256 $id)
	return @{ Values = $computed.Values; Environment = $environment; Folder = $folder; Problem = '' }
}

# Returns nothing.
function Write-Status([string] $Status, [string] $Problem = '') {
	$lines = @("status $Status")
	if ($Problem) { $lines += "problem $Problem" }
	Set-Content -LiteralPath (Join-Path -Path $state -ChildPath 'status') -Value $lines -Encoding UTF8
}

function Invoke-Boot {
	$subject = Get-Machine
	if (-not $subject) { return }
	$boot = Get-BootId
	$failed = $false
	$waited = $false
	foreach ($stage in 'early', 'network', 'late') {
		foreach ($script in Get-Script | Where-Object { $_.stage -eq $stage -and $_.when -in 'first-boot', 'every-boot' }) {
			if (Test-Due $script $subject $boot) {
				# One that failed leaves those after it pending, except what cleans up.
				if ($failed -and $script.kind -ne 'cleanup') { continue }
				if ($stage -ne 'early' -and -not $waited) { Wait-Network }
				$waited = $waited -or $stage -ne 'early'
				Invoke-Script $script $subject $boot
			}
			if ((Read-State $script $subject).state -eq 'failed' -and $script.kind -ne 'cleanup') { $failed = $true }
		}
	}
	Complete-Boot $subject
}

# What is to become of the tasks and scripts when there is nothing more to do.
function Complete-Boot([hashtable] $Subject) {
	$scripts = @(Get-Script)
	$states = @($scripts | ForEach-Object { (Read-State $_ $Subject).state })
	$afterwards = @(Read-Plan 'afterwards')[0]
	if ($afterwards -ne 'keep' -and -not ($states | Where-Object { $_ -notin 'done', 'skipped' })) {
		& $commands[$afterwards]
	} elseif (-not ($scripts | Where-Object { $_.when -eq 'every-boot' }) -and $states -notcontains 'pending') {
		Unregister-Task 'boot'
	}
}

function Invoke-Scheduled([string] $Wanted) {
	$subject = Get-Machine
	if (-not $subject) { return }
	$boot = Get-BootId
	foreach ($script in Get-Script | Where-Object { $_.number -eq $Wanted }) {
		if (Test-Due $script $subject $boot) { Invoke-Script $script $subject $boot }
		if (-not $script.when.StartsWith('daily ')) { Unregister-Task $script.number }
	}
}

# The end of the boot has no other sign than that there is a network, and some machines have none.
function Wait-Network {
	$until = (Get-Date).AddSeconds($networkSeconds)
	while ((Get-Date) -lt $until -and (Get-NetAdapter -Physical)) {
		if (Get-NetRoute -DestinationPrefix '0.0.0.0/0', '::/0' -ErrorAction SilentlyContinue) { return }
		Start-Sleep -Milliseconds 500
	}
}

function Get-BootId {
	return (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('s')
}

function Disable-Script {
	Get-ScheduledTask -TaskPath $taskPath -ErrorAction SilentlyContinue | Unregister-ScheduledTask -Confirm:$false
}

function Remove-Script {
	Disable-Script
	foreach ($entry in Get-ChildItem -LiteralPath $lib | Where-Object { $_.FullName -ne $state }) {
		Get-ChildItem -LiteralPath $entry.FullName -Recurse -File | ForEach-Object {
			[IO.File]::WriteAllBytes($_.FullName, (New-Object -TypeName byte[] -ArgumentList $_.Length))
		}
		Remove-Item -LiteralPath $entry.FullName -Recurse -Force
	}
}

if (-not $commands.ContainsKey($Command)) {
	throw "run.ps1: got ""$Command""; allowed are $($commands.Keys -join ', ')"
}
New-Item -ItemType Directory -Force -Path $state | Out-Null
# One at a time: a schedule's time may come during the boot.
$mutex = New-Object -TypeName System.Threading.Mutex -ArgumentList $false, 'Global\clones-init'
try {
	$mutex.WaitOne() | Out-Null
} catch [Threading.AbandonedMutexException] {
	# Who had it was ended; now it is ours.
	$Error.Clear()
}
try {
	& $commands[$Command]
} catch {
	Write-Status 'problem' "$_"
	throw
} finally {
	$mutex.ReleaseMutex()
}
