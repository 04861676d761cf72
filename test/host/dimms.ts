/** Has a guest keep DIMMs that it has put to use: what its kernel has made for itself stays where it is. */
export const HOLD_ON = `cd /sys/devices/system/memory
for block in memory*; do
	case $(cat $block/valid_zones) in *Movable*) echo offline > $block/state && echo online_kernel > $block/state ;; esac
done
mkdir -p /mnt/many && mount -t tmpfs -o nr_inodes=0 none /mnt/many
number=0
while [ $number -lt 20000 ]; do : > /mnt/many/$number; number=$((number + 1)); done`;
