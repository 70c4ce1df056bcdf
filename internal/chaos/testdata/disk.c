/* A disk for redis-server that tells what it has really synced, or is slow, or
 * lies. It is preloaded (LD_PRELOAD) and told what to do by its environment:
 *
 *   DISK_LOG    a file to which every completed sync is appended
 *   DISK_GRAVE  a folder on the same file system; a file that loses its name
 *               keeps another one there, because a power cut may undo the loss
 *   DISK_DELAY  a file that holds the milliseconds by which a sync is delayed;
 *               it may appear, change and go at any time
 *   DISK_LIES   a file: while it exists, a sync does nothing and says that it is
 *               done
 *
 * The log has lines of text:
 *
 *   F dev ino size path    this much of the file is on the disk
 *   D path                 the folder's entries are on the disk: the E lines
 *   E ino name             that follow, up to a line
 *   .
 *
 * What a sync covers is looked up before it begins and written down after it has
 * succeeded, so that the log never promises too much. Each entry is one write in
 * append mode, also by forked children. It need not be synced itself: the page
 * cache outlives kill -9.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct text {
	size_t used;
	char bytes[1 << 16];
};

static void add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(t->bytes + t->used, sizeof t->bytes - t->used, format, args);
	va_end(args);
	if (n < 0 || t->used + (size_t)n >= sizeof t->bytes)
		abort(); /* half an entry would be a false record */
	t->used += (size_t)n;
}

/* describe writes what a sync of fd would cover. */
static void describe(struct text *t, int fd)
{
	char link[64], path[4096];
	struct stat st;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0 || fstat(fd, &st) != 0)
		return;
	path[n] = 0;
	if (!S_ISDIR(st.st_mode)) {
		add(t, "F %lu %lu %lld %s\n", (unsigned long)st.st_dev, (unsigned long)st.st_ino, (long long)st.st_size, path);
		return;
	}
	DIR *dir = opendir(path);
	if (dir == NULL)
		return;
	add(t, "D %s\n", path);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		if (e->d_name[0] != '.')
			add(t, "E %lu %s\n", (unsigned long)e->d_ino, e->d_name);
	closedir(dir);
	add(t, ".\n");
}

static void append(const struct text *t)
{
	const char *log = getenv("DISK_LOG");
	if (log == NULL || t->used == 0)
		return;
	int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, t->bytes, t->used) != (ssize_t)t->used)
		abort();
	close(fd);
}

static void delay(void)
{
	const char *name = getenv("DISK_DELAY");
	FILE *f = name == NULL ? NULL : fopen(name, "re");
	long ms = 0;
	if (f == NULL)
		return;
	if (fscanf(f, "%ld", &ms) == 1 && ms > 0) {
		struct timespec left = {ms / 1000, ms % 1000 * 1000000};
		while (nanosleep(&left, &left) != 0)
			;
	}
	fclose(f);
}

static int lies(void)
{
	const char *name = getenv("DISK_LIES");
	return name != NULL && access(name, F_OK) == 0;
}

static int synced(int fd, const char *name)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	struct text *t = calloc(1, sizeof *t);
	if (t == NULL)
		abort();
	delay();
	int failed = 0;
	if (!lies()) {
		describe(t, fd);
		failed = real(fd);
		if (failed == 0)
			append(t);
	}
	free(t);
	return failed;
}

int fsync(int fd) { return synced(fd, "fsync"); }

int fdatasync(int fd) { return synced(fd, "fdatasync"); }

/* bury gives the file behind path another name. */
static void bury(const char *path)
{
	const char *grave = getenv("DISK_GRAVE");
	char name[4096];
	struct stat st;
	if (grave == NULL || lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	snprintf(name, sizeof name, "%s/%lu", grave, (unsigned long)st.st_ino);
	link(path, name); /* it may lie there already */
}

int unlink(const char *path)
{
	int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
	bury(path);
	return real(path);
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
	bury(to);
	return real(from, to);
}
