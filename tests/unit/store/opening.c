#include "tests/unit/store/place.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <sqlite3.h>

static unsigned mode_of(const char *path)
{
	struct stat info;

	CHECK_EQ(stat(path, &info), 0, "%s", path);
	return info.st_mode & 0777;
}

TEST(directory_and_files_are_the_owners_alone)
{
	struct place place = place_make();
	mode_t mask = umask(0);
	struct store *store;
	struct store_txn *txn;

	CHECK_EQ(rmdir(place.directory), 0);
	store = place_open(&place);
	txn = begin(store);
	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_OK(store_commit(txn));
	umask(mask);
	CHECK_EQ(mode_of(place.directory), 0700);
	CHECK_EQ(mode_of(place_file(&place, "weir.db")), 0600);
	CHECK_EQ(mode_of(place_file(&place, "weir.db-wal")), 0600);
	CHECK_EQ(mode_of(place_file(&place, "weir.lock")), 0600);
	store_close(store);
	place_remove(&place);
}

/* The verdict and sentence of opening a place that should be refused. */
static void refuse(const struct place *place, err_t want, const char *word)
{
	struct store *store = NULL;
	char *why = NULL;

	CHECK_ERR(store_open(place->directory, &store, &why), want);
	CHECK(store == NULL);
	CHECK(why && strstr(why, word), "\"%s\" does not say \"%s\"", why ? why : "", word);
	CHECK(strstr(why, place->directory) != NULL, "\"%s\" does not say where", why);
	free(why);
	CHECK_ERR(store_open(place->directory, &store, NULL), want);
}

TEST(a_second_opener_is_refused_and_told_who_has_it)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	char process[32];
	int status = 0;
	pid_t child;

	snprintf(process, sizeof process, "process %ld)", (long)getpid());
	refuse(&place, ERR_IN_USE, process);

	child = fork();
	if (child == 0) {
		struct store *mine;
		char *why;
		bool told = store_open(place.directory, &mine, &why) == ERR_IN_USE &&
			    strstr(why, process);

		_exit(told ? 0 : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "another process was let in");

	store_close(store);
	store_close(place_open(&place)); /* free again */
	place_remove(&place);
}

TEST(a_dead_owner_leaves_nothing_in_the_way)
{
	struct place place = place_make();
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct store *store;

		_exit(store_open(place.directory, &store, NULL)); /* and never closes */
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	store_close(place_open(&place));
	place_remove(&place);
}

static void write_file(const struct place *place, const char *name, const char *content, size_t len)
{
	int fd = open(place_file(place, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, content, len), len);
	close(fd);
}

TEST(a_file_that_is_no_database_is_refused_and_kept)
{
	struct place place = place_make();
	char junk[8192];
	struct stat info;

	memset(junk, 'j', sizeof junk);
	write_file(&place, "weir.db", junk, sizeof junk);
	refuse(&place, ERR_STORE, "damaged or not a database");
	CHECK_EQ(stat(place_file(&place, "weir.db"), &info), 0);
	CHECK_EQ(info.st_size, sizeof junk);
	place_remove(&place);
}

TEST(an_empty_file_is_a_fresh_start)
{
	struct place place = place_make();

	write_file(&place, "weir.db", "", 0);
	store_close(place_open(&place));
	place_remove(&place);
}

static void write_sql(const struct place *place, const char *statement)
{
	sqlite3 *db;

	CHECK_EQ(sqlite3_open(place_file(place, "weir.db"), &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK, "%s",
		 sqlite3_errmsg(db));
	sqlite3_close(db);
}

TEST(a_database_of_another_program_is_left_alone)
{
	struct place place = place_make();

	write_sql(&place, "CREATE TABLE bookmarks (url TEXT)");
	refuse(&place, ERR_STORE, "another program");
	place_remove(&place);
}

TEST(a_database_from_the_future_is_refused)
{
	struct place place = place_make();

	store_close(place_open(&place));
	write_sql(&place, "PRAGMA user_version = 99");
	refuse(&place, ERR_STORE, "newer Weir (schema 99;");
	place_remove(&place);
}

TEST(a_damaged_database_is_refused)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	char junk[4096];
	int fd;

	for (int i = 0; i < 500; i++) {
		char id[32];

		snprintf(id, sizeof id, "resource-%d", i);
		CHECK_OK(insert(txn, "k", id, "", i));
	}
	CHECK_OK(store_commit(txn));
	store_close(store); /* the log is merged into the file */
	memset(junk, 0xee, sizeof junk);
	fd = open(place_file(&place, "weir.db"), O_WRONLY);
	for (off_t page = 1; page < 6; page++)
		CHECK_EQ(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
	close(fd);
	refuse(&place, ERR_STORE, "damaged");
	place_remove(&place);
}

TEST(a_directory_that_cannot_be_made_is_named)
{
	struct place place = place_make();
	struct place below;
	struct store *store;
	char *why;

	write_file(&place, "weir.lock", "", 0);
	strcpy(below.directory, place_file(&place, "weir.lock"));
	refuse(&below, ERR_SYSTEM, "it is a file");
	strcat(below.directory, "/deeper");
	refuse(&below, ERR_SYSTEM, "cannot be made");
	place_remove(&place);

	CHECK(store_open("/proc/weir", &store, &why) != ERR_OK);
	CHECK(strstr(why, "/proc/weir") != NULL, "%s", why);
	free(why);
}

TEST(a_lock_file_that_is_a_link_is_not_followed)
{
	struct place place = place_make();
	char *why;
	struct store *store;

	CHECK_EQ(symlink("/etc/hostname", place_file(&place, "weir.lock")), 0);
	CHECK_ERR(store_open(place.directory, &store, &why), ERR_SYSTEM);
	free(why);
	place_remove(&place);
}
