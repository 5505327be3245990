/*
 * Dropbear's settings where they are not its defaults.
 *
 * Many sessions may begin at once from one address (a network behind a translator, a test); the whole
 * stays below what OpenSSH takes by default, 100. Each that has not logged in is one process.
 */
#define MAX_UNAUTH_PER_IP 60
#define MAX_UNAUTH_CLIENTS 100
/* Served by the sftp-server package. */
#define SFTPSERVER_PATH "/usr/libexec/sftp-server"
