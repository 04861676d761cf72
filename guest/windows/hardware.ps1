# Dot-sourced by run.ps1: the ids of this machine's hardware, as guest/init/parts/hardware tells them. ASCII only.

# Values of each kind, in the order of the devices.
$hardware = @{
	'mac'         = { Get-NicAddress }
	'uuid'        = { (Get-CimInstance -ClassName Win32_ComputerSystemProduct).UUID.ToLowerInvariant() }
	'serial'      = { (Get-CimInstance -ClassName Win32_ComputerSystemProduct).IdentifyingNumber }
	'disk-serial' = { Get-CimInstance -ClassName Win32_DiskDrive | Sort-Object -Property Index | ForEach-Object { "$($_.SerialNumber)".Trim() } }
	'oem'         = { (Get-CimInstance -ClassName Win32_ComputerSystem).OEMStringArray }
}

# By how systemd-detect-virt calls it: a part of what the machine says of its maker and model.
$hypervisors = [ordered] @{
	'KVM'                                    = 'kvm'
	'QEMU'                                   = 'qemu'
	'VMware'                                 = 'vmware'
	'Microsoft Corporation Virtual Machine'  = 'microsoft'
	'innotek'                                = 'oracle'
	'Xen'                                    = 'xen'
	'Amazon EC2'                             = 'amazon'
}

$architectures = @{ 'AMD64' = 'x86_64'; 'ARM64' = 'aarch64'; 'x86' = 'i686' }
$firmwares = @{ 'UEFI' = 'uefi'; 'Legacy' = 'bios' }

# By their places on the bus; what has none, as with Hyper-V, by its number.
function Get-NicAddress {
	$places = @{}
	foreach ($nic in Get-NetAdapterHardwareInfo -ErrorAction SilentlyContinue) {
		$place = $nic.SegmentNumber, $nic.BusNumber, $nic.DeviceNumber, $nic.FunctionNumber
		$places[$nic.Name] = ($place | ForEach-Object { "$_".PadLeft(10, '0') }) -join '.'
	}
	Get-NetAdapter -Physical | Sort-Object -Property { $places[$_.Name] }, 'InterfaceIndex' | ForEach-Object {
		($_.PermanentAddress -replace '[^0-9A-Fa-f]', '' -replace '(..)(?=.)', '$1:').ToLowerInvariant()
	}
}

# Identifiers in full, such as "mac 0": those that the machine has, with their values.
function Get-HardwareId([string[]] $Identifiers) {
	$ids = @{}
	foreach ($identifier in $Identifiers) {
		$kind, $argument = $identifier -split ' ', 2
		$found = @(& $hardware[$kind] | Where-Object { $null -ne $_ })
		if ($kind -eq 'oem') {
			$found = @($found | Where-Object { $_.StartsWith($argument, 'Ordinal') } | ForEach-Object { $_.Substring($argument.Length) })
			$argument = '0'
		}
		# For a comparison with the source's, all of a kind.
		if ($argument -eq 'all') {
			for ($number = 0; $number -lt $found.Count; $number++) { $ids["$kind $number"] = $found[$number] }
		} elseif ($found.Count -gt [int] $argument -and $found[[int] $argument]) {
			$ids[$identifier] = $found[[int] $argument]
		}
	}
	return $ids
}

function Get-Hypervisor {
	$system = Get-CimInstance -ClassName Win32_ComputerSystem
	$said = "$($system.Manufacturer) $($system.Model)"
	foreach ($part in $hypervisors.Keys) {
		if ($said.Contains($part)) { return $hypervisors[$part] }
	}
	return 'none'
}
