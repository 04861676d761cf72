#!/usr/bin/env bash
# What the jobs of both CI systems do; it runs by hand in the same way. README.md tells of the settings.
#   ./ci.sh install   what a bare Debian or Ubuntu runner with Node.js lacks
#   ./ci.sh preview   what a change would do: into the log, report/preview.md and the summary of a GitHub job
#   ./ci.sh up        does it
set -euo pipefail
cd "$(dirname "$0")"

PULUMI_VERSION=3.259.0
export PATH="$HOME/.pulumi/bin:$PATH" PULUMI_SKIP_UPDATE_CHECK=true

install() {
	as_root apt-get update -qq
	as_root apt-get install -y -qq --no-install-recommends ca-certificates curl libvirt0 openssh-client
	installer=$(mktemp)
	curl -fsSL -o "$installer" https://get.pulumi.com
	sh "$installer" --version "$PULUMI_VERSION"
	npm ci --no-audit --no-fund
	if [ -n "${SSH_PRIVATE_KEY:-}" ]; then ssh_access; fi
}

preview() {
	rm -rf report
	mkdir report
	status=0
	plain_pulumi preview --diff | tee report/preview.txt || status=$?
	write_report "$status" >report/preview.md
	if [ "$status" = 0 ]; then count_changes >report/changes.json; fi
	if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat report/preview.md >>"$GITHUB_STEP_SUMMARY"; fi
	return "$status"
}

up() {
	plain_pulumi up --yes --diff
}

# Nobody is asked, and the output is for a log: no moving parts and no colours, which Node.js gives to its errors.
plain_pulumi() {
	pulumi "$@" --stack "$STACK" --non-interactive --color never --suppress-progress 2>&1 |
		sed -u 's/\x1b\[[0-9;]*m//g'
}

# GitHub takes no summary above 1 MiB: whole lines up to half of that. The log has them all.
write_report() {
	echo "### Preview of $STACK"
	if [ "$1" != 0 ]; then echo "**It failed.**"; fi
	echo '~~~~~~~~text'
	LC_ALL=C awk -v room="${REPORT_BYTES:-500000}" '
		(room -= length($0) + 1) < 0 { print "... cut here: the log of the job has the rest"; exit }
		{ print }' report/preview.txt
	echo '~~~~~~~~'
}

# The numbers that GitLab shows in a merge request, in the form of its Terraform report.
count_changes() {
	created=$(count '+' create) updated=$(count '~' update) deleted=$(count - delete) replaced=$(count '+-' replace)
	printf '{ "create": %d, "update": %d, "delete": %d }\n' \
		$((created + replaced)) "$updated" $((deleted + replaced))
}

count() {
	number=$(sed -n "s/^    $1 *\([0-9][0-9]*\) to $2\$/\1/p" report/preview.txt | tail -n 1)
	echo "${number:-0}"
}

# The key and the host's own key, for qemu+ssh: ssh asks nobody here.
ssh_access() {
	mkdir -p -m 700 ~/.ssh
	(umask 077 && printf '%s\n' "$SSH_PRIVATE_KEY" | tr -d '\r' >~/.ssh/id_libvirt)
	printf '%s\n' "$SSH_KNOWN_HOSTS" >>~/.ssh/known_hosts
	printf 'IdentityFile ~/.ssh/id_libvirt\nIdentitiesOnly yes\nBatchMode yes\n' >>~/.ssh/config
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

case "${1:-}" in
install | preview | up) "$1" ;;
*)
	sed -n '2,5s/^# //p' "$0" >&2
	exit 2
	;;
esac
