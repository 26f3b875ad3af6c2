#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""make-dbus-manual.py TEMPLATE OUTPUT XML…

Makes the manual page of the D-Bus interface: TEMPLATE with its comment INTERFACES replaced by what the introspection
files say. The comment before an interface or member is its documentation, in the form that gdbus-codegen reads: the
name and a colon, a line `@ARGUMENT: TEXT` for each argument, and paragraphs. It is an error if a member or an argument
is not documented, or if an error is named that the template does not explain.
"""

import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

SPECIAL = {'µ': r'\(mc', '…': r'\&...', '—': r'\(em', '–': r'\(en', '→': r'\(->'}
CHANGES = {
    'const': 'never changes',
    'false': 'emits no signal',
    'invalidates': 'emits its invalidation',
    'true': 'emits changes',
}


def fail(text):
    sys.exit(f'make-dbus-manual: {text}')


def escape(text):
    text = text.replace('\\', r'\e').replace('-', r'\-').replace("'", r'\(aq').replace('`', r'\(ga')
    for character, roff in SPECIAL.items():
        text = text.replace(character, roff)
    if not text.isascii():
        fail(f'no roff for a character of: {text}')
    return re.sub(r'^\.', r'\\&.', text)


def filled(text):
    """Short lines, each sentence on lines of its own, as roff likes it."""
    sentences = re.split(r'(?<=[.;:]) (?=[A-Z])', ' '.join(text.split()))
    return [escape(line) for sentence in sentences
            for line in textwrap.wrap(sentence, 70, break_long_words=False, break_on_hyphens=False)]


class Documentation:
    """What a comment says."""

    def __init__(self, comment, name):
        head, *paragraphs = (textwrap.dedent(part).strip() for part in comment.strip().split('\n\n'))
        title, *lines = (line.strip() for line in head.splitlines())
        if title != f'{name}:':
            fail(f'the comment before {name} begins with {title}')
        self.arguments = dict(re.fullmatch(r'@(\w+): (.*)', line).groups() for line in lines)
        self.paragraphs = paragraphs

    def check(self, member):
        names = [argument.get('name') for argument in member.findall('arg')]
        if list(self.arguments) != names:
            fail(f'the comment of {member.get("name")} explains {list(self.arguments)}, and its arguments are {names}')

    def lines(self):
        """The first paragraph, the arguments, and the other ones; Options, Changes and Errors with a heading."""
        first, *rest = self.paragraphs
        lines = filled(first)
        if self.arguments:
            lines += ['.RS', *(line for name, text in self.arguments.items()
                               for line in ('.TP', rf'.I {escape(name)}', *filled(text))), '.RE']
        for paragraph in rest:
            title, colon, body = paragraph.partition(': ')
            if colon and title in ('Options', 'Changes', 'Errors'):
                lines += ['.RS', '.TP', rf'.I {title}', *filled(body), '.RE']
            else:
                lines += ['.IP', *filled(paragraph)]
        return lines


def arguments(member, direction, default):
    found = [a for a in member.findall('arg') if a.get('direction', default) == direction]
    return ', '.join(rf'{escape(a.get("type"))}\~\fI{escape(a.get("name"))}\fR' for a in found)


def heading(member):
    name = escape(member.get('name'))
    if member.tag == 'property':
        annotation = member.find('annotation[@name="org.freedesktop.DBus.Property.EmitsChangedSignal"]')
        change = CHANGES[annotation.get('value')]
        return rf'\fB{name}\fR {escape(member.get("type"))} ({change})'
    if member.tag == 'signal':
        return rf'\fB{name}\fR({arguments(member, "out", "out")})'
    result = arguments(member, 'out', 'in')
    return rf'\fB{name}\fR({arguments(member, "in", "in")})' + (rf' \(-> {result}' if result else '')


def members(interface, tag):
    """The members of one sort, each with the comment before it."""
    comment = None
    for node in interface:
        if node.tag is ElementTree.Comment:
            comment = node.text
        else:
            if node.tag == tag:
                if comment is None:
                    fail(f'{interface.get("name")}.{node.get("name")} is not documented')
                yield node, comment
            comment = None


def describe(interface, comment):
    name = interface.get('name')
    text = Documentation(comment, name)
    lines = [rf'.SS {escape(name)}', *filled(text.arguments['short_description'] + '.')]
    for paragraph in text.paragraphs:
        lines += ['.PP', *filled(paragraph)]
    for tag, title in (('method', 'Methods'), ('signal', 'Signals'), ('property', 'Properties')):
        found = list(members(interface, tag))
        if found:
            lines += ['.PP', rf'\fI{title}\fR']
        for member, comment in found:
            text = Documentation(comment, member.get('name'))
            text.check(member)
            lines += ['.TP', heading(member), *text.lines()]
    return lines


def check_errors(template, path, text):
    explained = set(re.findall(r'^\.B ([A-Z][A-Za-z]+)$', template, re.MULTILINE))
    for part in re.findall(r'\bErrors: (.*?)-->', text, re.DOTALL):
        named = re.findall(r'\b[A-Z][A-Za-z]*[A-Z][a-z]+\b', part)
        unknown = [name for name in named if name not in explained]
        if unknown:
            fail(f'{path} names errors that the template does not explain: {", ".join(unknown)}')


def main():
    template_path, output_path, *paths = sys.argv[1:]
    with open(template_path, encoding='utf-8') as file:
        template = file.read()

    lines = []
    for path in paths:
        with open(path, encoding='utf-8') as file:
            text = file.read()
        check_errors(template, path, text)
        parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
        for interface, comment in members(ElementTree.fromstring(text, parser), 'interface'):
            lines += describe(interface, comment)

    with open(output_path, 'w', encoding='utf-8') as file:
        file.write(re.sub(r'^\.\\" INTERFACES$', lambda _: '\n'.join(lines), template, flags=re.MULTILINE))


if __name__ == '__main__':
    main()
