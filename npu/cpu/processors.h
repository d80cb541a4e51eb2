/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_PROCESSORS_H
#define NPU_CPU_PROCESSORS_H
/* How many processors this process gets: what the default number of threads goes by. */

/* The processors of the calling thread's affinity mask, which the threads that it starts inherit;
 * fewer where the process's control group or one above it has a CPU quota (version 2: cpu.max, 1:
 * cpu.cfs_quota_us and cpu.cfs_period_us): the least of them in whole processors, rounded up. Files
 * that are missing or hold something else limit nothing.
 * root: "" or, for tests, a folder that stands for "/": proc/self/cgroup, proc/self/mountinfo and
 * the control groups are read below it.
 * Returns: 1 .. NPU_PROCESSORS_MAX; -ENOMEM. Threads: any. Blocks: on files of the kernel. */
int npu_processors_count(const char *root);

#define NPU_PROCESSORS_MAX 256

#endif /* NPU_CPU_PROCESSORS_H */
