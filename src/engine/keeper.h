/*
 * keeper: what the engine and the program `weir-keeper` say to each other.
 *
 * A workload's program does not hang on Weir but on a keeper of its own: a small process that
 * starts it, waits for it, and writes down how it ended. So Weir may be killed and started again
 * while programs run on, and still learns their exit codes.
 *
 *   weir-keeper FOLDER KEY=VALUE… -- PROGRAM [ARGUMENT…]      environment: the program's, whole
 *
 * FOLDER/lock   flock'ed from before the keeper is forked until it has ended (it inherits the
 *               descriptor as KEEPER_LOCK_FD); holds the keeper's process id. Locked means alive,
 *               without a doubt and without a race
 * FOLDER/exit   one line, there once the program has ended:
 *                   exited CODE | signalled NUMBER | memory | processes | failed ERRNO STEP
 * FOLDER/output the program's standard output and standard error, appended to
 *
 * SIGTERM asks the program to end (stop-signal), and kills it stop-ms later. SIGUSR1 kills all of
 * it now. Whatever the program left behind when it ended is killed. When the keeper itself is
 * killed its program dies with it.
 *
 *   stop-signal=N stop-ms=N user=UID:GID directory=PATH memory=BYTES processes=N
 *   limit=RESOURCE:SOFT:HARD cgroup=PATH
 */
#ifndef ENGINE_KEEPER_H
#define ENGINE_KEEPER_H

enum { KEEPER_LOCK_FD = 3 };

#endif
