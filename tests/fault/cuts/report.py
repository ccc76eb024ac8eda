# SPDX-License-Identifier: LGPL-2.1-or-later
"""A page of what was cut and what was found, for people."""
import html
from collections import defaultdict

STYLE = ('body{font-family:sans-serif;max-width:60em;margin:2em auto;line-height:1.4}'
         'table{border-collapse:collapse}td,th{padding:.2em .8em;border-bottom:1px solid #ccc;'
         'text-align:right}td:first-child,th:first-child{text-align:left}.bad{color:#a00}')
ABOUT = """Every journey of a generation ran on a real file system on a disk that records its
writes and flushes. The power was then cut at points of that record: after each write, and with
writes since the last flush lost, torn at any 512-byte sector, or in another order. GRUB's own
code, in user space, booted each disk that was left, running the installed configuration. Right
is: a proven generation, or a trial that has tries left, every byte of kernel, initramfs and
boot.cfg as it was made, and no key pressed."""


def table(head, rows):
    def row(cells, tag):
        return '<tr>' + ''.join(f'<{tag}>{html.escape(str(c))}</{tag}>' for c in cells) + '</tr>'
    return ('<table>' + row(head, 'th') + ''.join(row(cells, 'td') for cells in rows) +
            '</table>')


def by_journey(file_systems):
    """A row a journey, a column a file system."""
    counts = defaultdict(lambda: defaultdict(int))
    for one in file_systems:
        for journey, _, count in one['counts']:
            counts[journey][one['name']] += count
    names = [one['name'] for one in file_systems]
    rows = [[journey, *(row[name] for name in names)] for journey, row in counts.items()]
    total = ['all', *(sum(row[n] for row in rows) for n in range(1, len(names) + 1))]
    return table(['journey', *names], [*rows, total])


def by_kind(file_systems):
    counts = defaultdict(int)
    for one in file_systems:
        for _, kind, count in one['counts']:
            counts[kind] += count
    return table(['what was cut', 'cuts'], counts.items())


def found(file_systems):
    wrong = [fault for one in file_systems for fault in one['wrong']]
    if not wrong:
        return '<p>Nothing was found: every cut booted what it had to.</p>'
    return ('<p class="bad">Found:</p><ul>' + ''.join(
        f'<li class="bad">{html.escape(name)}: {html.escape(why)}</li>'
        for name, why in wrong) + '</ul>')


def page(results):
    """results: what run writes as results.json."""
    systems = results['file_systems']
    total = sum(count for one in systems for _, _, count in one['counts'])
    asked = sum(one['runs'] for one in systems)
    extent = 'every cut' if results['all'] else f'a sample, seed {results["seed"]}'
    flushes = results.get('flushes', [])
    return (f'<!DOCTYPE html><meta charset="utf-8"><title>kuro: power cuts</title>'
            f'<style>{STYLE}</style><h1>Power cuts</h1><p>{ABOUT}</p>'
            f'<p><b>{total}</b> cuts judged ({html.escape(extent)}), {asked} of them unlike '
            f'each other in what GRUB reads; '
            f'<b>{sum(len(one["wrong"]) for one in systems)}</b> wrong.</p>'
            + found(systems) + by_journey(systems) + '<h2>How</h2>' + by_kind(systems)
            + ('<h2>Flushes taken out of the program</h2><p>A push is a syncfs and what brings the journal into place. Each must be noticed.</p>' +
               table(['file system, journey', 'what is left out', 'the first wrong cut'], flushes)
               if flushes else ''))
