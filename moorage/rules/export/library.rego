# Values ----------------------------------------------------------------------------------------
#
# A node is a value in a resource: `r` the logical ID, `s` the values of conditions, `p` the path,
# `v` the value. What the engine fills in, but only the deployment knows, is made unknown: defaults
# of parameters, and pseudo parameters. A statement has two functions, one for true and one for
# false; both are undefined if the statement depends on an unknown value.

nodes := {kind: list |
	some kind in {resource.resourceType | some resource in input.resources}
	list := [root(name, scenario) |
		some name, resource in input.resources
		resource.resourceType == kind
		some scenario in scenarios(resource)
	]
}

root(name, scenario) := {
	"r": name, "s": scenario, "p": "Properties", "v": object.get(input.resources[name], "properties", {}),
}

# An attribute of the resource beside its properties. The engine resolves no functions in it.
attribute(n, name, key) := {
	"r": n.r, "s": n.s, "p": name, "v": object.get(input.resources[n.r], key, null),
}

gate(resource) := {resource.condition: true} if is_string(resource.condition)
else := {}

# With more conditions, what depends on one is unknown.
scenarios(resource) := [scenario |
	names := sort([name | some name in resource.conditionRefs; name != resource.condition])
	some values in assignments(names)
	scenario := object.union(values, gate(resource))
	is_satisfiable(scenario)
]

assignments(names) := list if {
	count(names) == 0
	list := [{}]
}
else := list if {
	count(names) == 1
	list := [{names[0]: a} | some a in [true, false]]
}
else := list if {
	count(names) == 2
	list := [{names[0]: a, names[1]: b} | some a in [true, false]; some b in [true, false]]
}
else := list if {
	count(names) == 3
	list := [{names[0]: a, names[1]: b, names[2]: c} |
		some a in [true, false]
		some b in [true, false]
		some c in [true, false]
	]
}
else := [{}]

# The source of each value that the engine fills in, by resource and path.
sources := {name: paths |
	some name, _ in input.resources
	paths := {path: source.source |
		some source in input.resolutionSources
		source.resourceId == name
		regex.match(`^(Parameters/.*/Default|Intrinsic/(Ref|Sub|Fn::GetAZs))$`, source.source)
		path := regex.replace(source.propertyPath, `\.Fn::([^I]|I[^f]).*$`, "")
	}
}

get(n, key) := {"r": n.r, "s": n.s, "p": path, "v": v} if {
	v := child(n.v, key)
	not v.__conditional
	path := concat(".", [n.p, key])
	not sources[n.r][path]
}
else := made_unknown(taken({
	"r": n.r, "s": n.s, "p": concat(".", [n.p, key]), "v": child(n.v, key),
}))

child(v, key) := inner if {
	is_object(v)
	inner := v[key]
}
else := {"__dynamic": ""} if is_special(v)
else := inner if {
	is_array(v)
	regex.match(`^[0-9]+$`, key)
	inner := v[to_number(key)]
}
else := null

is_special(v) if is_string(v.__dynamic)
is_special(v) if is_string(v.__ref)
is_special(v) if is_array(v.__enum)
is_special(v) if is_string(v.__conditional)
is_special(v) if is_string(v.__intrinsic)

# The branch of each Fn::If whose condition the scenario decides.
taken(n) := branch(branch(branch(n)))

branch(n) := object.union(n, {"p": concat("", [n.p, ".Fn::If.1"]), "v": n.v.__if_true}) if n.s[n.v.__conditional] == true
else := object.union(n, {"p": concat("", [n.p, ".Fn::If.2"]), "v": n.v.__if_false}) if n.s[n.v.__conditional] == false
else := n

made_unknown(n) := object.union(n, {"v": {"__dynamic": token}}) if {
	n.v != null
	not is_special(n.v)
	source := sources[n.r][n.p]
	token := sprintf("%v: %v", [source, n.v])
}
else := n

items(n) := [item |
	is_array(n.v)
	some i, _ in n.v
	item := get(n, sprintf("%d", [i]))
	item.v != null
]

items_or_value(n) := items(n) if is_array(n.v)
else := [] if n.v == null
else := [n] if n.v != null

# What a text contains as JSON.
parsed(n) := [object.union(n, {"v": json.unmarshal(text(n.v))}) | json.is_valid(text(n.v))]

entries(n) := [entry |
	is_object(n.v)
	not is_special(n.v)
	some key, _ in n.v
	entry := get(n, key)
	entry.v != null
]

text(v) := v if is_string(v)
else := sprintf("%v", [v]) if is_number(v)
else := "true" if v == true
else := "false" if v == false

choices(n) := list if {
	is_array(n.v.__enum)
	list := [text(v) | some v in n.v.__enum]
}
else := list if {
	t := text(n.v)
	list := [t]
}

number(t) := to_number(t) if regex.match(`^-?[0-9]{1,18}(\.[0-9]{1,18})?$`, t)

numbers(n) := list if {
	texts := choices(n)
	list := [number(t) | some t in texts]
	count(list) == count(texts)
	count(list) > 0
}

all_known(n) if {
	not is_special(n.v)
	not has_unknown_item(n)
}

# Whether a list is absent, or all its items are known to be there.
is_complete(n) if n.v == null

is_complete(n) if all_known(n)

# A reference, or a text of which parts are known, is the only item of `[*]`.
is_complete_or_value(n) if is_complete(n)

is_complete_or_value(n) if is_string(n.v.__ref)

is_complete_or_value(n) if is_array(n.v.__enum)

is_complete_or_value(n) if count(known_parts(n)) > 0

has_unknown_item(n) if {
	is_array(n.v)
	some item in items(n)
	is_string(item.v.__dynamic)
	not regex.match(`^(Sub|Join|Intrinsic/Sub): ?`, item.v.__dynamic)
}

has_unknown_item(n) if {
	is_array(n.v)
	some item in items(n)
	is_string(item.v.__conditional)
}

has_unknown_item(n) if {
	is_array(n.v)
	some item in items(n)
	is_string(item.v.__intrinsic)
}

is_surely_there(n) if {
	n.v != null
	not n.v.__conditional
	not n.v.__intrinsic
	not n.v.__dynamic in {"", "macro output"}
}

# Messages --------------------------------------------------------------------------------------

name_of(n) := concat("", ["`", n.r, "`"])

# The last key of a path that is neither an index nor a function.
key_of(n) := name if {
	keys := [key | some key in split(n.p, "."); not regex.match(`^([0-9]+|Fn::.*)$`, key)]
	name := concat("", ["`", keys[count(keys) - 1], "`"])
}

# What is known of a text in which only parts are known. The engine has filled in the
# pseudo parameters.
known_parts(n) := split(marked, "\u0000") if {
	found := regex.find_n(`^(Sub:|Join:|Intrinsic/Sub: )`, n.v.__dynamic, 1)
	count(found) == 1
	body := substring(n.v.__dynamic, count(found[0]), -1)
	not contains(body, "{{")
	unknown := `\$\{[^}]*\}|\{[^}]*\}|teststack|us-east-1[a-f]?|123456789012`
	marked := regex.replace(body, unknown, "\u0000")
}

# The possible texts, also if the account is the only unknown part: any other would match the same.
# With `any_region`, so would any region.
possible_texts(n, any_region) := texts if {
	texts := choices(n)
}
else := [body] if {
	startswith(n.v.__dynamic, "Intrinsic/Sub: ")
	body := substring(n.v.__dynamic, count("Intrinsic/Sub: "), -1)
	not contains(body, "teststack")
	is_any_or_not_in(any_region, body)
}

is_any_or_not_in(any_region, _) if any_region

is_any_or_not_in(_, body) if not contains(body, "us-east-1")

quoted(n) := text if {
	words := [sprintf("`%s`", [t]) | some t in choices(n)]
	count(words) > 0
	text := concat(" or ", words)
}
else := "`?`"

finding(id, severity, place, parts, fix, url) := {
	"rule_id": id,
	"severity": severity,
	"message": concat("", parts),
	"resource_id": place.r,
	"resource_path": place.p,
	"suggested_fix": fix,
	"documentation_url": url,
}

# Statements ------------------------------------------------------------------------------------

present_true(n) if is_surely_there(n)

present_false(n) if n.v == null

not_empty_true(n) if {
	is_array(n.v)
	some item in items(n)
	is_surely_there(item)
}

not_empty_true(n) if {
	not is_array(n.v)
	is_surely_there(n)
}

not_empty_false(n) if n.v == null

not_empty_false(n) if {
	is_array(n.v)
	count(items(n)) == 0
}

map_true(n) if {
	is_object(n.v)
	not is_special(n.v)
}

map_false(n) if n.v == null

map_false(n) if is_array(n.v)

map_false(n) if text(n.v) != null

map_false(n) if is_string(n.v.__ref)

is_true(n, values, initial) if {
	n.v == null
	initial in values
}

is_true(n, values, _) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { t in values }
}

is_false(n, values, initial) if {
	n.v == null
	not initial in values
}

is_false(n, values, _) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { not t in values }
}

is_false(n, _, _) if is_plain_collection(n.v)

is_plain_collection(v) if is_array(v)

is_plain_collection(v) if {
	is_object(v)
	not is_special(v)
}

flag_true(n, initial) if {
	n.v == null
	initial
}

flag_true(n, _) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { lower(t) == "true" }
}

flag_false(n, initial) if {
	n.v == null
	not initial
}

flag_false(n, _) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { lower(t) == "false" }
}

matches_true(n, pattern, any_region) if {
	texts := possible_texts(n, any_region)
	count(texts) > 0
	every t in texts { regex.match(pattern, t) }
}

matches_false(n, pattern, any_region) if {
	texts := possible_texts(n, any_region)
	count(texts) > 0
	every t in texts { not regex.match(pattern, t) }
}

contains_true(n, pattern) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { regex.match(pattern, t) }
}

contains_true(n, pattern) if {
	some part in known_parts(n)
	regex.match(pattern, part)
}

contains_false(n, pattern) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { not regex.match(pattern, t) }
}

json_true(n) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { json.is_valid(t) }
}

json_false(n) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { not json.is_valid(t) }
}

# The service of an ARN, of which other parts may be unknown.
arn_service(n) := parts[2] if {
	parts := split(arn_text(n), ":")
	count(parts) > 3
	parts[0] == "arn"
	parts[1] != ""
	regex.match(`^[a-z0-9-]+$`, parts[2])
}

arn_text(n) := text(n.v) if text(n.v) != null
else := concat("?", known_parts(n))

starts_true(n, words) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { begins(t, words) }
}

starts_false(n, words) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { not begins(t, words) }
}

starts_true(n, words) if begins(known_parts(n)[0], words)

starts_false(n, words) if {
	start := known_parts(n)[0]
	not begins(start, words)
	every word in words { not startswith(word, start) }
}

begins(t, words) if {
	some word in words
	startswith(t, word)
}

ends_true(n, words) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { finishes(t, words) }
}

ends_false(n, words) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { not finishes(t, words) }
}

ends_true(n, words) if finishes(last_part(n), words)

ends_false(n, words) if {
	end := last_part(n)
	not finishes(end, words)
	every word in words { not endswith(word, end) }
}

last_part(n) := last if {
	parts := known_parts(n)
	last := parts[count(parts) - 1]
}

finishes(t, words) if {
	some word in words
	endswith(t, word)
}

within_true(n, low, high) if {
	every x in numbers(n) { is_between(x, low, high) }
}

within_false(n, low, high) if {
	every x in numbers(n) { not is_between(x, low, high) }
}

is_between(x, low, high) if {
	not is_below(x, low)
	not is_above(x, high)
}

is_below(x, low) if {
	low != null
	x < low
}

is_above(x, high) if {
	high != null
	x > high
}

multiple_true(n, divisor) if {
	every x in numbers(n) { x % divisor == 0 }
}

multiple_false(n, divisor) if {
	every x in numbers(n) { x % divisor != 0 }
}

length_true(n, low, high) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { is_between(count(t), low, high) }
}

length_false(n, low, high) if {
	texts := choices(n)
	count(texts) > 0
	every t in texts { not is_between(count(t), low, high) }
}

length_false(n, _, high) if count(concat("", known_parts(n))) > high

parts_of(n) := array.concat(items(n), entries(n))

count_true(n, low, high) if {
	n.v != null
	all_known(n)
	parts := parts_of(n)
	is_between(count(parts), low, high)
	every part in parts { is_surely_there(part) }
}

count_false(n, _, high) if {
	is_plain_collection(n.v)
	count([part | some part in parts_of(n); is_surely_there(part)]) > high
}

count_false(n, low, _) if {
	is_plain_collection(n.v)
	all_known(n)
	count(parts_of(n)) < low
}

at_most_true(a, b, distance, times) if single(a) + distance <= single(b) * times

at_most_false(a, b, distance, times) if single(a) + distance > single(b) * times

single(n) := number(text(n.v))

same_true(a, b) if {
	text(a.v) == text(b.v)
}

same_true(a, b) if {
	a.v.__ref == b.v.__ref
	a.v.__kind == b.v.__kind
}

same_true(a, b) if {
	a.v.__dynamic == b.v.__dynamic
	regex.match(`^(parameter |Parameters/|Sub:|cross-stack import: )`, a.v.__dynamic)
}

same_false(a, b) if {
	text(a.v) != text(b.v)
}

same_false(a, b) if {
	text(a.v)
	b.v.__enum
	not text(a.v) in choices(b)
}

same_false(a, b) if {
	text(b.v)
	a.v.__enum
	not text(b.v) in choices(a)
}

same_false(a, b) if {
	a.v.__ref != b.v.__ref
	is_unique_attribute(a)
	is_unique_attribute(b)
}

is_unique_attribute(n) if {
	n.v.__kind in {"resource", "getatt:Arn"}
	not regex.match(`^(Custom::|AWS::CloudFormation::)`, input.resources[n.v.__ref].resourceType)
}

with_initial(n, initial) := object.union(n, {"v": initial}) if {
	n.v == null
	initial != null
}
else := n

# For a key of two items: both may have nothing there.
equal_true(a, b) if same_true(a, b)

equal_true(a, b) if {
	a.v == null
	b.v == null
}

equal_false(a, b) if same_false(a, b)

equal_false(a, b) if {
	a.v == null
	is_surely_there(b)
}

equal_false(a, b) if {
	b.v == null
	is_surely_there(a)
}

refers(n, kind) := object.union(root(name, n.s), {"s": n.s}) if {
	name := n.v.__ref
	input.resources[name].resourceType == kind
}

reference_true(n, kind, attribute) if {
	input.resources[n.v.__ref].resourceType == kind
	is_attribute(n.v.__kind, attribute)
}

reference_false(n, kind, _) if input.resources[n.v.__ref].resourceType != kind

reference_false(n, _, attribute) if {
	is_string(n.v.__kind)
	not is_attribute(n.v.__kind, attribute)
}

reference_false(n, _, _) if {
	not is_special(n.v)
}

is_attribute(_, attribute) if attribute == null

is_attribute(kind, attribute) if {
	attribute == "Ref"
	kind == "resource"
}

is_attribute(kind, attribute) if kind == concat("", ["getatt:", attribute])

# The entry of a list of keys and values; without one, a value that is absent.
entry(n, key) := found[0] if {
	found := [item | some item in items(n); text(get(item, "Key").v) == key]
	count(found) > 0
}
else := object.union(n, {"v": null}) if {
	all_known(n)
	every item in items(n) { text(get(item, "Key").v) }
}
