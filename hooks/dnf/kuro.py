# SPDX-License-Identifier: LGPL-2.1-or-later
"""dnf 4 (yum, dnf-automatic) asks kuro before anything is unpacked, and tells it when all is
done. Only kuro's "refused" (3) stops a run; a kuro that is missing or broken stops none.
What is told of a package: probe/dnf-incoming.h."""
import json
import logging
import os
import subprocess
import tempfile

import dnf
import dnf.exceptions
import dnf.transaction
import hawkey
import libdnf.transaction

KURO = '/usr/sbin/kuro'
REFUSED = 3
PLAN = 'KURO_DNF_PLAN'  # set where kuro asks what dnf would do
HOLDS = '/etc/dnf/plugins/kuro-holds.list'  # act/hold-mark-dnf.c
ACTIONS = {dnf.transaction.PKG_INSTALL: 'I', dnf.transaction.PKG_UPGRADE: 'U',
           dnf.transaction.PKG_DOWNGRADE: 'D', dnf.transaction.PKG_REINSTALL: 'R',
           dnf.transaction.PKG_REMOVE: 'E', dnf.transaction.PKG_UPGRADED: 'O',
           dnf.transaction.PKG_DOWNGRADED: 'O', dnf.transaction.PKG_REINSTALLED: 'O',
           dnf.transaction.PKG_OBSOLETED: 'O'}
logger = logging.getLogger('dnf')


class Kuro(dnf.Plugin):
    name = 'kuro'
    kept = ()  # why, of what is on hold and not installed

    def told(self, item):
        told = {'action': ACTIONS.get(item.action, '?'), 'name': item.name,
                'epoch': str(item.epoch), 'version': item.version, 'release': item.release,
                'arch': item.arch,
                'reason': libdnf.transaction.TransactionItemReasonToString(item.reason)}
        if told['action'] in 'IUDRE':
            told['provides'] = [str(p) for p in item.pkg.provides if 'uname-r' in str(p)]
        if told['action'] in 'IUDR':
            told['path'] = item.pkg.localPkg()
            told['security'] = any(a.type == hawkey.ADVISORY_SECURITY
                                   for a in item.pkg.get_advisories(hawkey.EQ))
        return told

    def transaction_text(self):
        return json.dumps({'packages': [self.told(item) for item in self.base.transaction or []]})

    def hook(self, name, **kwargs):
        if self.base.conf.installroot != '/' or not os.access(KURO, os.X_OK):
            return None
        try:
            return subprocess.run([KURO, 'hook', name], check=False, **kwargs)
        except OSError as error:
            logger.warning('%s: %s', KURO, error)
            return None

    def keep_away(self, release, why):
        of = hawkey.split_nevra('kernel-' + release)
        known = self.base.sack.query(flags=hawkey.IGNORE_EXCLUDES).filter(
            name__glob='kernel*', version=of.version, release=of.release, arch=of.arch)
        self.base.sack.add_excludes(known.available())
        if known and not known.installed():
            self.kept.append(why.strip())

    def sack(self):
        """What is on hold is kept away, with dnf's versionlock plug-in or without."""
        self.kept = []
        if (self.base.conf.installroot != '/' or os.environ.get(PLAN) == 'unlocked'
                or (self.cli and not self.cli.demands.resolving) or not os.path.exists(HOLDS)):
            return
        try:
            with open(HOLDS, encoding='utf-8') as lines:
                for line in lines:
                    if not line.startswith('#'):
                        self.keep_away(*line.split(' ', 1))
        except (OSError, TypeError, ValueError) as error:
            logger.warning('%s: %s', HOLDS, error)

    def resolved(self):
        for why in self.kept:
            logger.warning('kuro: %s', why)
        if os.environ.get(PLAN):
            print("kuro's plan: " + self.transaction_text(), flush=True)

    def pre_transaction(self):
        with tempfile.TemporaryFile() as told:   # dnf would die of a pipe that is not read
            told.write(self.transaction_text().encode())
            told.seek(0)
            done = self.hook('dnf-incoming', stdin=told, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        said = done.stdout.decode(errors='replace').strip() if done else ''
        if done and done.returncode == REFUSED:
            raise dnf.exceptions.Error('kuro: ' + said)
        if said:
            logger.warning('%s', said)

    def transaction(self):
        self.hook('packages-done', stdin=subprocess.DEVNULL)
