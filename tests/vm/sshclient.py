"""sshclient - the host's OpenSSH client as a test uses it.

Every login is by the key of the development image, or by a password through sshpass. The server's key
is taken as it comes: a machine makes a new one at its first boot.
"""

import subprocess

from ambitvm import BUILD

KEY = BUILD / "ssh" / "id_ed25519"


class Ssh:
    """How to reach one server; `enter` is put before each command (see hostnet.HostNet)."""

    def __init__(self, port, host="127.0.0.1", user="root", password=None, enter=()):
        self.port, self.host, self.user, self.password = port, host, user, password
        self.enter = list(enter)

    def _words(self, program, port_option):
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR",
                   "ConnectTimeout=120", "GSSAPIAuthentication=no"]
        if self.password is None:
            before = []
            options += ["BatchMode=yes", "IdentitiesOnly=yes", f"IdentityFile={KEY}"]
        else:
            before = ["sshpass", "-p", self.password]
            options += ["PubkeyAuthentication=no", "NumberOfPasswordPrompts=1",
                        "PreferredAuthentications=password"]
        return (self.enter + before + [program, "-F", "none", port_option, str(self.port)]
                + [word for option in options for word in ("-o", option)])

    def words(self, *command, options=()):
        """The command line of a login, to be started in any way."""
        return self._words("ssh", "-p") + [*options, f"{self.user}@{self.host}", *command]

    def run(self, command, timeout=120, check=False, **more):
        """Runs a command there: the finished process with stdout and stderr as text."""
        more = {"stdin": subprocess.DEVNULL, **more} if "input" not in more else more
        return subprocess.run(self.words(command), timeout=timeout, check=check, text=True,
                              capture_output=True, **more)

    def check(self, command, timeout=120):
        """Output of a command that must succeed, without the last newline."""
        done = self.run(command, timeout)
        assert done.returncode == 0, f"{command!r}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.rstrip("\n")

    def place(self, path):
        """A path there as scp names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{path}"

    def scp(self, source, target, timeout=300, options=()):
        """Copies by scp, today's (over sftp) unless options say -O."""
        subprocess.run(self._words("scp", "-P") + [*options, str(source), str(target)],
                       timeout=timeout, check=True, stdin=subprocess.DEVNULL)

    def sftp(self, script, timeout=300):
        """Runs sftp's commands and returns what it printed."""
        words = self._words("sftp", "-P") + ["-b", "-", f"{self.user}@{self.host}"]
        if self.password is not None:
            raise ValueError("sftp in batch mode wants a key")
        return subprocess.run(words, input=script, timeout=timeout, check=True, text=True,
                              stdout=subprocess.PIPE).stdout
