# parameters.awk: computes the parameters of a machine from the ids of its hardware. Runs what
# provider/init/expression/program.ts compiles, in busybox awk, mawk, gawk and the original awk. One run computes all.
#
#   LC_ALL=C awk -f parameters.awk FACTS PROGRAMS
#
# Lines of the facts; ID is an identifier in full ("mac 0", "uuid", "oem PREFIX"), and an id is in its normal form:
#
#   identifier ID         a part of the machine's own id, in order
#   id ID VALUE           an id that this machine has
#   hash ID SHA256        its hash; "hash identifier SHA256" is that of the parts of its own joined by "/"
#   machine               forgets all of them: what follows is about another machine, or another identifier of this one
#
# Lines of the programs: "parameter NAME", instructions, "end". Prints a line "NAME VALUE", or "error NAME TEXT", for each,
# and ends with status 1 if there was an error.
#
# Jumps go forward only, so a line is done when it is read and none is kept: that is what makes it fast.

BEGIN { largest = 9007199254740991; digits = "0123456789abcdef" }

leftOut > 0 { leftOut--; next }
name == "" { fact(); next }
$1 == "end" { finish(); next }
failed { next }
$1 == "row" { row(); next }
$1 == "text" { result = result rest(1); next }
$1 == "jump" { leftOut = $2 + 0; next }
{ step($1) }

END { exit status }

function fact(    id) {
	if ($1 == "parameter") {
		name = $2
		result = ""
		depth = failed = 0
	} else if ($1 == "identifier") {
		part[++parts] = rest(1)
		own = parts == 1 ? part[1] : own "/" part[parts]
	} else if ($1 == "id" || $1 == "hash") {
		id = $2
		if (id == "mac" || id == "disk-serial" || id == "oem") id = id " " $3
		if ($1 == "hash") hashes[id] = $NF
		else ids[id] = substr($0, length(id) + 5)
	} else if ($1 == "machine") {
		for (id in ids) delete ids[id]
		for (id in hashes) delete hashes[id]
		parts = 0
		own = ""
	}
}

function finish() {
	if (!failed && length(result) > 1024) fail("the value has " length(result) " bytes; allowed are at most 1024")
	if (!failed) print name " " result
	name = ""
}

function fail(text) {
	if (!failed) print "error " name " " text
	failed = status = 1
}

# The line without its first words.
function rest(words,    text) {
	text = $0
	while (words-- > 0) text = index(text, " ") ? substr(text, index(text, " ") + 1) : ""
	return text
}

function row(    field) {
	for (field = 3; field <= NF; field++) {
		if (length($field) == 64 ? byId && $field "" == ownHash "" : $field "" == selected "") return
	}
	leftOut = $2 + 0
}

function step(operation) {
	if (operation == "put") put(stack[depth--], $2 + 0, $3)
	else if (operation == "put-text") result = result stack[depth--]
	else if (operation == "unless") leftOut = stack[depth--] ? 0 : $2 + 0
	else if (operation == "select") { byId = 0; selected = written(stack[depth--]) }
	else if (operation == "select-id") selectId()
	else if (operation == "range") leftOut = selected + 0 >= $3 + 0 && selected + 0 <= $4 + 0 ? 0 : $2 + 0
	else if (operation == "fail") fail("got " (byId ? idText("") : selected) "; " rest(1))
	else if (operation == "push") stack[++depth] = $2 + 0
	else if (operation == "quote") stack[++depth] = rest(1)
	else if (operation == "push-id") stack[++depth] = idText(rest(1))
	else if (operation == "push-instance") pushInstance(rest(1))
	else if (operation == "push-bytes") stack[++depth] = bytes($2 + 0, $3 + 0, rest(3))
	else if (operation == "push-hash") stack[++depth] = modulo(number(substr(hashOf(rest(2)), 1, 12)), $2 + 0)
	else if (operation == "negate") stack[depth] = 0 - stack[depth]
	else { depth--; stack[depth] = binary(operation, stack[depth], stack[depth + 1]) }
}

function binary(operation, left, right) {
	if (operation == "same") return "x" left == "x" right
	if (operation == "differs") return "x" left != "x" right
	if (operation == "==") return left == right
	if (operation == "!=") return left != right
	if (operation == "<") return left < right
	if (operation == "<=") return left <= right
	if (operation == ">") return left > right
	if (operation == ">=") return left >= right
	return arithmetic(operation, left, right)
}

function arithmetic(operation, left, right,    computed) {
	if ((operation == "/" || operation == "%") && right == 0) {
		fail(written(left) " " operation " 0 divides by zero")
		return 0
	}
	if (operation == "+") computed = left + right
	else if (operation == "-") computed = left - right
	else if (operation == "*") computed = left * right
	else {
		divide(left, right)
		computed = operation == "/" ? quotient : remainder
	}
	if (computed > largest || computed < -largest) {
		fail(written(left) " " operation " " written(right) " is beyond " written(largest) ", the largest number allowed")
	}
	# There is no zero below zero.
	return computed == 0 ? 0 : computed
}

# Rounded down. The division itself rounds, and away from zero at worst by one, which the rest tells: it has no more digits
# than numbers can have, and is exact.
function divide(left, right) {
	quotient = int(left / right)
	remainder = left - quotient * right
	if (remainder != 0 && (remainder < 0) != (right < 0)) {
		quotient--
		remainder += right
	}
}

function modulo(left, right) {
	divide(left, right)
	return remainder
}

# Not by %d and not by joining: some awks cut numbers off at 2^31 there, or write them with an exponent.
function written(value) { return sprintf("%.0f", value) }

function put(value, width, form,    text) {
	if (form == "x" && value < 0) fail(written(value) " is below zero, which has no hexadecimal form")
	if (failed) return
	text = value < 0 ? -value : value
	text = form == "x" ? hex(text) : written(text)
	if (value < 0) width--
	while (length(text) < width) text = "0" text
	result = result (value < 0 ? "-" : "") text
}

function hex(value,    text) {
	do {
		divide(value, 16)
		text = substr(digits, remainder + 1, 1) text
		value = quotient
	} while (value > 0)
	return text
}

function number(text,    place, sum) {
	sum = 0
	for (place = 1; place <= length(text); place++) sum = sum * 16 + index(digits, substr(text, place, 1)) - 1
	return sum
}

# In all that follows an empty id stands for the machine's own.

function idText(id,    place, text) {
	if (id != "") return valueOf(id)
	text = valueOf(part[1])
	for (place = 2; place <= parts; place++) text = text "/" valueOf(part[place])
	return text
}

function valueOf(id) {
	if (id in ids) return ids[id]
	fail("this machine has no " id)
	return ""
}

function hashOf(id) {
	idText(id)
	if (id == "") id = "identifier"
	if (id in hashes) return hashes[id]
	fail("no hash of " id " was given")
	return ""
}

function selectId() {
	byId = 1
	ownHash = hashOf("")
	selected = instance("")
	if (selected != "") selected = written(selected)
}

function pushInstance(id,    found) {
	found = instance(id)
	if (found "" == "") fail((id == "" ? own : id) " has no instance number")
	stack[++depth] = found
}

function instance(id,    place, found) {
	if (id != "") return instanceOf(id)
	for (place = 1; place <= parts && found "" == ""; place++) found = instanceOf(part[place])
	return found
}

function instanceOf(id,    text) {
	if (id == "tpm") return ""
	text = valueOf(id)
	if (id ~ /^mac /) return number(substr(hexDigits(text), 9))
	if (id == "uuid") return number(substr(hexDigits(text), 25))
	if (!match(text, /[0-9]+$/)) return ""
	text = substr(text, RSTART)
	while (length(text) > 1 && substr(text, 1, 1) == "0") text = substr(text, 2)
	return length(text) > 15 ? "" : text + 0
}

function bytes(from, to, id,    place, label, text, count, first, last) {
	label = id == "" ? own : id
	if (id == "") for (place = 1; place <= parts && !hasBytes(id); place++) id = part[place]
	if (!hasBytes(id)) fail(label " has no bytes")
	else text = hexDigits(valueOf(id))
	if (failed) return 0
	count = length(text) / 2
	first = from < 0 ? from + count : from
	last = to < 0 ? to + count : to
	if (first < 0 || first >= count) fail(id " has " count " bytes, and no byte " from)
	else if (last < 0 || last >= count) fail(id " has " count " bytes, and no byte " to)
	else if (last < first || last - first >= 6) {
		fail("byte " from " to byte " to " of " id " are " (last < first ? 0 : last - first + 1) " bytes; allowed are 1 to 6")
	}
	return number(substr(text, first * 2 + 1, (last - first + 1) * 2))
}

function hasBytes(id) { return id ~ /^mac / || id == "uuid" || id == "tpm" }

function hexDigits(text) {
	gsub(/[:-]/, "", text)
	return text
}
