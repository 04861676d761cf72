# Dot-sourced by run.ps1: computes the parameters of a machine from the ids of its hardware. Runs what
# provider/init/expression/program.ts compiles, as guest/init/parameters.awk does: one entry of $operations per instruction.
# Numbers are decimals, which are exact far beyond what is allowed. ASCII only: Windows PowerShell reads a file without a
# mark of its encoding in the machine's own.

$largest = [decimal] 9007199254740991
# Of the parameter at hand, and the ids: Ids by identifier in full ("mac 0"), and Own, the identifiers of the machine's own.
$machine = @{ Ids = @{}; Own = @(); Result = ''; Skip = 0; ById = $false; Selected = '' }
$stack = New-Object -TypeName System.Collections.Stack

$operations = @{
	'text'          = { param($rest) $machine.Result += $rest }
	'put'           = { param($rest) $machine.Result += Format-Number $stack.Pop() $rest }
	'put-text'      = { param($rest) $machine.Result += $stack.Pop() }
	'push'          = { param($rest) $stack.Push([decimal] $rest) }
	'quote'         = { param($rest) $stack.Push([string] $rest) }
	'push-id'       = { param($rest) $stack.Push((Get-IdText $rest)) }
	'push-instance' = { param($rest) $stack.Push((Get-OwnInstance $rest)) }
	'push-bytes'    = { param($rest) $stack.Push((Get-ByteNumber $rest)) }
	'push-hash'     = { param($rest) $stack.Push((Get-HashNumber $rest)) }
	'negate'        = { param($rest) $stack.Push([decimal] 0 - $stack.Pop()) }
	'+'             = { param($rest) Invoke-Arithmetic { param($left, $right) $left + $right } }
	'-'             = { param($rest) Invoke-Arithmetic { param($left, $right) $left - $right } }
	'*'             = { param($rest) Invoke-Arithmetic { param($left, $right) $left * $right } }
	# Rounded down, and what is left then.
	'/'             = { param($rest) Invoke-Arithmetic { param($left, $right) [Math]::Floor($left / $right) } }
	'%'             = { param($rest) Invoke-Arithmetic { param($left, $right) $left - $right * [Math]::Floor($left / $right) } }
	'=='            = { param($rest) Push-Truth { param($left, $right) $left -eq $right } }
	'!='            = { param($rest) Push-Truth { param($left, $right) $left -ne $right } }
	'<'             = { param($rest) Push-Truth { param($left, $right) $left -lt $right } }
	'<='            = { param($rest) Push-Truth { param($left, $right) $left -le $right } }
	'>'             = { param($rest) Push-Truth { param($left, $right) $left -gt $right } }
	'>='            = { param($rest) Push-Truth { param($left, $right) $left -ge $right } }
	'same'          = { param($rest) Push-Truth { param($left, $right) [string]::Equals($left, $right, 'Ordinal') } }
	'differs'       = { param($rest) Push-Truth { param($left, $right) -not [string]::Equals($left, $right, 'Ordinal') } }
	'unless'        = { param($rest) if ($stack.Pop() -eq 0) { $machine.Skip = [int] $rest } }
	'jump'          = { param($rest) $machine.Skip = [int] $rest }
	'select'        = { param($rest) $machine.ById = $false; $machine.Selected = Format-Number $stack.Pop() '' }
	'select-id'     = { param($rest) $machine.ById = $true; $machine.Selected = Format-Instance }
	'row'           = { param($rest) Select-Row $rest }
	'range'         = { param($rest) Select-Range $rest }
	'fail'          = { param($rest) throw "got $(Get-Looked); $rest" }
}

# The values by name, and what is wrong with the others.
function Get-ParameterValue([string[]] $Program) {
	$values = @{}
	$problems = @{}
	$name = ''
	foreach ($line in $Program) {
		if ($machine.Skip -gt 0) {
			$machine.Skip--
			continue
		}
		$word, $rest = $line -split ' ', 2
		if ($word -eq 'parameter') {
			$name = $rest
			$machine.Result = ''
			$stack.Clear()
		} elseif ($word -eq 'end') {
			if (-not $problems.ContainsKey($name)) { $values[$name] = $machine.Result }
		} elseif (-not $problems.ContainsKey($name)) {
			try {
				& $operations[$word] $rest
				$bytes = [Text.Encoding]::UTF8.GetByteCount($machine.Result)
				if ($bytes -gt 1024) { throw "the value has $bytes bytes; allowed are at most 1024" }
			} catch {
				$problems[$name] = $_.Exception.Message
			}
		}
	}
	return @{ Values = $values; Problems = $problems }
}

function Invoke-Arithmetic([scriptblock] $Compute) {
	$right = $stack.Pop()
	$left = $stack.Pop()
	try {
		$computed = [decimal] (& $Compute $left $right)
	} catch {
		throw "$left and $right cannot be computed with: $($_.Exception.Message)"
	}
	if ([Math]::Abs($computed) -gt $largest) { throw "$computed is beyond $largest, the largest number allowed" }
	$stack.Push($computed)
}

function Push-Truth([scriptblock] $Compare) {
	$right = $stack.Pop()
	$left = $stack.Pop()
	$stack.Push([decimal] [int] [bool] (& $Compare $left $right))
}

# FORM is "WIDTH" or "WIDTH x", or nothing.
function Format-Number([decimal] $Value, [string] $Form) {
	$width, $hex = $Form -split ' ', 2
	if ($hex -and $Value -lt 0) { throw "$Value is below zero, which has no hexadecimal form" }
	$size = [Math]::Abs($Value)
	$digits = $size.ToString('F0', [Globalization.CultureInfo]::InvariantCulture)
	if ($hex) { $digits = [Convert]::ToString([long] $size, 16) }
	if (-not $width) { $width = 0 }
	if ($Value -lt 0) { return '-' + $digits.PadLeft([Math]::Max(0, [int] $width - 1), '0') }
	return $digits.PadLeft([int] $width, '0')
}

# In all that follows no identifier stands for the machine's own.

function Get-IdText([string] $Identifier) {
	if ($Identifier) { return Get-IdValue $Identifier }
	return ($machine.Own | ForEach-Object { Get-IdValue $_ }) -join '/'
}

function Get-IdValue([string] $Identifier) {
	if (-not $machine.Ids.ContainsKey($Identifier)) { throw "this machine has no $Identifier" }
	return $machine.Ids[$Identifier]
}

function Get-Sha256([string] $Text) {
	$bytes = [Security.Cryptography.SHA256]::Create().ComputeHash([Text.Encoding]::UTF8.GetBytes($Text))
	return ($bytes | ForEach-Object { $_.ToString('x2') }) -join ''
}

# The number that an id carries; nothing where it carries none.
function Get-Instance([string] $Identifier) {
	$text = Get-IdValue $Identifier
	switch -Regex ($Identifier) {
		'^mac ' { return Convert-Hex (Get-HexDigits $text).Substring(8) }
		'^uuid$' { return Convert-Hex (Get-HexDigits $text).Substring(24) }
		default {
			$digits = [regex]::Match($text, '[0-9]+$').Value -replace '^0+(?=.)', ''
			if ($digits -and $digits.Length -le 15) { return [decimal] $digits }
		}
	}
}

function Find-Instance {
	foreach ($part in $machine.Own) {
		$found = Get-Instance $part
		if ($null -ne $found) { return $found }
	}
}

function Get-OwnInstance([string] $Identifier) {
	$found = if ($Identifier) { Get-Instance $Identifier } else { Find-Instance }
	if ($null -eq $found) { throw "$(if ($Identifier) { $Identifier } else { $machine.Own -join '/' }) has no instance number" }
	return $found
}

function Format-Instance {
	$found = Find-Instance
	if ($null -eq $found) { return '' }
	return Format-Number $found ''
}

# REST is "FROM TO [IDENTIFIER]".
function Get-ByteNumber([string] $Rest) {
	$from, $to, $identifier = $Rest -split ' ', 3
	if (-not $identifier) { $identifier = $machine.Own | Where-Object { $_ -match '^(mac |uuid$)' } | Select-Object -First 1 }
	if ($identifier -notmatch '^(mac |uuid$)') { throw "$(if ($identifier) { $identifier } else { $machine.Own -join '/' }) has no bytes" }
	$digits = Get-HexDigits (Get-IdValue $identifier)
	$count = $digits.Length / 2
	$first = [int] $from
	$last = [int] $to
	if ($first -lt 0) { $first += $count }
	if ($last -lt 0) { $last += $count }
	if ($first -lt 0 -or $first -ge $count) { throw "$identifier has $count bytes, and no byte $from" }
	if ($last -lt 0 -or $last -ge $count) { throw "$identifier has $count bytes, and no byte $to" }
	if ($last -lt $first -or $last - $first -ge 6) { throw "byte $from to byte $to of $identifier are not 1 to 6 bytes" }
	return Convert-Hex $digits.Substring($first * 2, ($last - $first + 1) * 2)
}

# REST is "MODULO [IDENTIFIER]".
function Get-HashNumber([string] $Rest) {
	$modulo, $identifier = $Rest -split ' ', 2
	return (Convert-Hex (Get-Sha256 (Get-IdText $identifier)).Substring(0, 12)) % [decimal] $modulo
}

function Get-HexDigits([string] $Text) {
	return $Text -replace '[:-]', ''
}

function Convert-Hex([string] $Digits) {
	return [decimal] [Convert]::ToUInt64($Digits, 16)
}

# REST is "SKIP KEY ...": a key of 64 characters is the hash of an id.
function Select-Row([string] $Rest) {
	$skip, $keys = $Rest -split ' '
	$hash = if ($machine.ById) { Get-Sha256 (Get-IdText '') } else { '' }
	foreach ($key in $keys) {
		if ($key -ceq $(if ($key.Length -eq 64) { $hash } else { $machine.Selected })) { return }
	}
	$machine.Skip = [int] $skip
}

# REST is "SKIP FROM TO".
function Select-Range([string] $Rest) {
	$skip, $from, $to = $Rest -split ' '
	$value = [decimal] $machine.Selected
	if ($value -lt [decimal] $from -or $value -gt [decimal] $to) { $machine.Skip = [int] $skip }
}

# What was looked up, for an error.
function Get-Looked {
	if ($machine.ById) { return Get-IdText '' }
	return $machine.Selected
}
