/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs: started by fork and execvp in a session of their own, both outputs read
 * with poll until they close, ended when their time is over.
 */
#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PROCESS_PATH     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PROCESS_OUTPUT   (1024 * 1024)
#define PROCESS_GRACE    5 /* seconds from SIGTERM to SIGKILL */
#define PROCESS_LINGER   1 /* seconds that what it left running may go on writing */
#define EXIT_NOT_STARTED 127

static volatile sig_atomic_t process_signal;

static void process_note_signal(int number)
{
	process_signal = number;
}

void process_catch_signals(void)
{
	struct sigaction action = {.sa_handler = process_note_signal};

	(void)sigaction(SIGINT, &action, NULL); /* can't fail for these two */
	(void)sigaction(SIGTERM, &action, NULL);
}

bool process_interrupted(void)
{
	return process_signal != 0;
}

void process_result_done(struct process_result *result)
{
	text_done(&result->out);
	text_done(&result->err);
}

/* PATH as given to kuro, so that tests can put programs before the machine's. */
static const char *process_search_path(void)
{
	const char *path = getenv("KURO_PATH");

	return path && geteuid() == getuid() ? path : PROCESS_PATH;
}

bool process_exists(const struct root *root, const char *name)
{
	autostrv struct strv dirs = {0};
	struct root live = {.fd = -1};
	bool found = false;

	if (!root && root_open(&live, "/", NULL) < 0)
		return false;
	strv_split(&dirs, process_search_path(), ":");
	for (size_t i = 0; i < dirs.count && !found; i++) {
		autofree char *path = str_format("%s/%s", dirs.items[i], name);
		struct stat st;

		found = root_stat(root ? root : &live, path, &st) == 0 &&
			S_ISREG(st.st_mode) && st.st_mode & 0111;
	}
	root_done(&live);
	return found;
}

/* The child's side: never returns. Only async-signal-safe calls after fork. */
static void process_child(const struct process *p, char *const *argv, char **env, int out,
			  int err)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	int in = p->stdin_fd ? p->stdin_fd : open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setsid(); /* fails only for a leader, which a child is not */
	if (p->tied && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(EXIT_NOT_STARTED);
	(void)sigaction(SIGPIPE, &plain, NULL);
	if (p->root && !root_is_live(p->root) &&
	    (fchdir(p->root->fd) < 0 || chroot(".") < 0 || chdir("/") < 0))
		_exit(EXIT_NOT_STARTED);
	if (in >= 0)
		(void)dup2(in, STDIN_FILENO);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(EXIT_NOT_STARTED);
	environ = env; /* the program is looked up on the PATH in it, not on kuro's own */
	(void)execvp(argv[0], argv);
	_exit(EXIT_NOT_STARTED);
}

/* A fixed environment: PATH, a language that programs' output is parsed in, the rest. */
static void process_environment(const struct process *p, struct strv *env)
{
	static const char *const kept[] = {"TERM", "http_proxy", "https_proxy",
					   "no_proxy", "KURO_TEST"};

	strv_add_take(env, str_format("PATH=%s%s%s", p->path_first ? p->path_first : "",
				      p->path_first ? ":" : "", process_search_path()));
	strv_add(env, "LC_ALL=C.UTF-8");
	strv_add(env, "HOME=/root");
	strv_add(env, PROCESS_MARK "=1");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (getenv(kept[i]))
			strv_add_take(env, str_format("%s=%s", kept[i], getenv(kept[i])));
	for (size_t i = 0; p->env && p->env[i]; i++)
		strv_add(env, p->env[i]);
}

/* What is read of one of the program's outputs. */
struct process_stream {
	int fd;
	struct text *kept;
	struct text line;
	const struct process *process;
};

static void stream_lines(struct process_stream *s, const char *data, size_t n)
{
	const struct process *p = s->process;

	if (!p->line)
		return;
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n' || data[i] == '\r' || s->line.len > 4096) {
			if (s->line.len > 0)
				p->line(p->line_data, text_str(&s->line));
			text_done(&s->line);
		} else if (data[i]) {
			text_append_n(&s->line, &data[i], 1);
		}
	}
}

static void stream_read(struct process_stream *s)
{
	const struct process *p = s->process;
	size_t max = p->output_max ? p->output_max : PROCESS_OUTPUT;
	size_t room = max > s->kept->len ? max - s->kept->len : 0;
	char chunk[4096];
	ssize_t n = read(s->fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		(void)close(s->fd); /* a pipe's reading end */
		s->fd = -1;
		return;
	}
	if (p->log_fd > 0 && write(p->log_fd, chunk, (size_t)n) < 0)
		errno = 0; /* a full disk must not stop the program that is logged */
	text_append_n(s->kept, chunk, (size_t)n < room ? (size_t)n : room);
	stream_lines(s, chunk, (size_t)n);
}

static int64_t process_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there on Linux */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is known of a program that runs. */
struct process_watch {
	const struct process *process;
	struct process_stream streams[2];
	pid_t pid;
	int pidfd;
	int64_t deadline; /* of process_clock, 0 for none */
	int next_signal;  /* sent at the deadline */
	bool timed_out;
};

/* Its time is over: ask, then insist. */
static void process_end(struct process_watch *w)
{
	w->timed_out = true;
	(void)kill(-w->pid, w->next_signal); /* gone already is fine */
	(void)kill(w->pid, w->next_signal);
	w->next_signal = SIGKILL;
	w->deadline = process_clock() + (int64_t)PROCESS_GRACE * 1000;
}

static int process_wait_time(const struct process_watch *w, bool ended)
{
	int64_t left;

	if (ended)
		return 0;
	if (!w->deadline)
		return -1;
	left = w->deadline - process_clock();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/*
 * Read until the program has ended and nothing more is there to read: a child of it
 * that lingers with the outputs open is not waited for.
 */
static int process_watch(struct process_watch *w)
{
	int status = 0;
	bool ended = false;

	for (;;) {
		struct pollfd polls[3] = {{.fd = w->streams[0].fd, .events = POLLIN},
					  {.fd = w->streams[1].fd, .events = POLLIN},
					  {.fd = ended ? -1 : w->pidfd,
					   .events = POLLIN}};
		int ready = poll(polls, 3, process_wait_time(w, ended));

		for (int i = 0; i < 2; i++)
			if (ready > 0 && polls[i].revents)
				stream_read(&w->streams[i]);
		if (ended && (ready <= 0 || process_clock() >= w->deadline))
			return status;
		if (!ended && waitpid(w->pid, &status, WNOHANG) == w->pid) {
			ended = true;
			w->deadline = process_clock() + PROCESS_LINGER * 1000;
		}
		if (!ended && w->deadline && process_clock() >= w->deadline)
			process_end(w);
	}
}

static void pipe_close(int *fds)
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]); /* a pipe holds nothing to flush */
	fds[0] = fds[1] = -1;
}

static int process_start(const struct process *p, int *out, int *err_pipe, pid_t *ret)
{
	autostrv struct strv env = {0}, argv = {0};
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(err_pipe, O_CLOEXEC) < 0) {
		pipe_close(out);
		return -errno;
	}
	process_environment(p, &env);
	for (size_t i = 0; p->argv[i]; i++)
		strv_add(&argv, p->argv[i]);
	pid = fork();
	if (pid == 0)
		process_child(p, argv.items, env.items, out[1],
			      p->merge_stderr ? out[1] : err_pipe[1]);
	if (pid < 0) {
		int r = -errno;

		pipe_close(out);
		pipe_close(err_pipe);
		return r;
	}
	(void)close(out[1]); /* the child's ends */
	(void)close(err_pipe[1]);
	*ret = pid;
	return 0;
}

int process_run(const struct process *process, struct process_result *ret,
		struct error *err)
{
	struct process_watch watch = {.process = process, .next_signal = SIGTERM};
	int out[2], err_pipe[2], r, status;

	*ret = (struct process_result){0};
	if (process->argv[0][0] != '/' &&
	    !process_exists(process->root, process->argv[0]))
		return error_set(err, -ENOENT, "there is no program %s on this machine",
				 process->argv[0]);
	r = process_start(process, out, err_pipe, &watch.pid);
	if (r < 0)
		return error_set(err, -ERROR_PROGRAM, "%s can't be started: %s",
				 process->argv[0], strerrordesc_np(-r));
	watch.pidfd = pidfd_open(watch.pid, 0);
	watch.deadline =
		process->timeout ? process_clock() + (int64_t)process->timeout * 1000 : 0;
	watch.streams[0] = (struct process_stream){out[0], &ret->out, {0}, process};
	watch.streams[1] = (struct process_stream){err_pipe[0], &ret->err, {0}, process};
	status = process_watch(&watch);
	for (int i = 0; i < 2; i++) {
		stream_lines(&watch.streams[i], "\n", 1);
		if (watch.streams[i].fd >= 0)
			(void)close(watch.streams[i].fd); /* a pipe's reading end */
	}
	if (watch.pidfd >= 0)
		(void)close(watch.pidfd); /* only polled */
	ret->timed_out = watch.timed_out;
	ret->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

/* The last few lines of what a program said, on one line. */
static char *process_tail(const struct process_result *result)
{
	autostrv struct strv lines = {0};
	struct text tail = {0};
	const struct text *said = result->err.len > 0 ? &result->err : &result->out;

	strv_split(&lines, text_str(said), "\r\n");
	for (size_t i = lines.count > 4 ? lines.count - 4 : 0; i < lines.count; i++)
		text_appendf(&tail, "%s%s", tail.len ? "; " : "",
			     str_strip(lines.items[i]));
	return text_take(&tail);
}

int process_check(const struct process *process, struct process_result *ret,
		  struct error *err)
{
	autofree char *tail = NULL;
	int r = process_run(process, ret, err);

	if (r < 0)
		return r;
	if (ret->timed_out)
		return error_set(err, -ERROR_PROGRAM, "%s did not end within %u seconds",
				 process->argv[0], process->timeout);
	if (ret->status == 0)
		return 0;
	tail = process_tail(ret);
	return error_set(err, -ERROR_PROGRAM, "%s ended with status %d: %s",
			 process->argv[0], ret->status, tail);
}
