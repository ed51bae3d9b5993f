#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The schema of the JSON Lines: valid itself, and every key of it in the manual page.
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

cd "$SRCROOT" || exit 1
schema=contrib/schema/pevent-1.schema.json

if found=$(python3 -m json.tool "$schema" 2>&1 >/dev/null); then
	ok "$schema is JSON"
else
	not_ok "$schema is JSON"
	diag "$found"
fi

if ! python3 -c 'import jsonschema' 2>/dev/null; then
	skip "$schema is a JSON Schema" 'python3-jsonschema is not installed'
elif found=$(python3 - "$schema" 2>&1 <<'PYTHON'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.validators.validator_for(schema).check_schema(schema)
PYTHON
); then
	ok "$schema is a JSON Schema"
else
	not_ok "$schema is a JSON Schema"
	diag "$found"
fi

# Keys are the paths of leaves, such as process.parent.pid. A list is a leaf. In the manual page a
# part in capitals stands for any name.
compare() # SCHEMA KEYS: prints "missing KEY" and "surplus KEY"
{
	python3 - "$1" "$2" <<'PYTHON'
import json, re, sys

root = json.load(open(sys.argv[1]))
documented = sys.argv[2].split()
leaves = set()

def target(ref):
    node = root
    for part in ref.lstrip('#').strip('/').split('/'):
        node = node[part.replace('~1', '/').replace('~0', '~')]
    return node

def walk(node, path, depth=0):
    """Whether the node has properties; those that have none are leaves."""
    inner = False
    if not isinstance(node, dict) or depth > 40:
        return inner
    if '$ref' in node:
        inner |= walk(target(node['$ref']), path, depth + 1)
    members = list(node.get('properties', {}).items())
    members += [('*', n) for n in node.get('patternProperties', {}).values()]
    if isinstance(node.get('additionalProperties'), dict):
        members.append(('*', node['additionalProperties']))
    for name, child in members:
        inner = True
        if not walk(child, path + [name], depth + 1):
            leaves.add('.'.join(path + [name]))
    for word in ('allOf', 'anyOf', 'oneOf'):
        for child in node.get(word, []):
            inner |= walk(child, path, depth + 1)
    for word in ('if', 'then', 'else'):
        inner |= walk(node.get(word), path, depth + 1)
    return inner

walk(root, [])
# A condition may name an object without its inside: no leaf when other parts go deeper.
leaves = {l for l in leaves if not any(m.startswith(l + '.') for m in leaves)}
patterns = {k: re.compile(re.sub(r'(?<=\\\.)[A-Z]+', r'[^.]+', re.escape(k)) + r'\Z')
            for k in documented}
for leaf in sorted(leaves):
    if not any(p.match(leaf) for p in patterns.values()):
        print('missing', leaf)
for key in sorted(patterns):
    if not any(patterns[key].match(l) for l in leaves):
        print('surplus', key)
PYTHON
}

section=$(sed -n '/^\.Sh JSON LINES$/,/^\.Sh [^J]/p' man/pevent.8)
documented=$(grep -E '^\.It Cm ' <<<"$section" | sed 's/^\.It Cm //; s/ , /\n/g')
if ! found=$(compare "$schema" "$documented" 2>&1); then
	not_ok 'the manual page can be compared with the schema'
	diag "$found"
	done_testing
fi
missing=$(sed -n 's/^missing //p' <<<"$found")
surplus=$(sed -n 's/^surplus //p' <<<"$found")
is "$missing" '' 'the manual page names every key of the schema'
is "$surplus" '' 'the schema has every key of the manual page'

# The test itself: a key more in the schema, or less in the manual page, is seen.
python3 - "$schema" >"$TAP_TMP/planted.json" <<'PYTHON'
import json, sys
schema = json.load(open(sys.argv[1]))
schema.setdefault('allOf', []).append(
    {'then': {'properties': {'pevent': {'properties': {'planted': {'type': 'integer'}}}}}})
json.dump(schema, sys.stdout)
PYTHON
found=$(compare "$TAP_TMP/planted.json" "$documented" 2>&1)
check 'a key that the manual page lacks is seen' grep -qx 'missing pevent.planted' <<<"$found"
found=$(compare "$schema" "$documented pevent.planted" 2>&1)
check 'a key that the schema lacks is seen' grep -qx 'surplus pevent.planted' <<<"$found"

done_testing
