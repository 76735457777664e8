#include "test/support/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which of AUDIT_ARCH_... is it?"
#endif

/* What the unit forbids: the system calls of the sets that it takes away, those that are in none that
 * it allows, and those that make namespaces; and some more that no proxy has a use for. */
static const uint16_t forbidden[] = {
    SYS_acct,
    SYS_add_key,
    SYS_adjtimex,
    SYS_bpf,
    SYS_capset,
    SYS_chroot,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_delete_module,
    SYS_fanotify_init,
    SYS_fanotify_mark,
    SYS_fchown,
    SYS_fchownat,
    SYS_finit_module,
    SYS_init_module,
    SYS_io_setup,
    SYS_io_submit,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_io_uring_setup,
    SYS_ioprio_set,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_mbind,
    SYS_migrate_pages,
    SYS_mlock,
    SYS_mlock2,
    SYS_mlockall,
    SYS_mount,
    SYS_move_pages,
    SYS_nfsservctl,
    SYS_open_by_handle_at,
    SYS_perf_event_open,
    SYS_pivot_root,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_sched_setaffinity,
    SYS_sched_setattr,
    SYS_sched_setparam,
    SYS_sched_setscheduler,
    SYS_set_mempolicy,
    SYS_setdomainname,
    SYS_setfsgid,
    SYS_setfsuid,
    SYS_setgid,
    SYS_setgroups,
    SYS_sethostname,
    SYS_setns,
    SYS_setpriority,
    SYS_setregid,
    SYS_setresgid,
    SYS_setresuid,
    SYS_setreuid,
    SYS_settimeofday,
    SYS_setuid,
    SYS_swapoff,
    SYS_swapon,
    SYS_syslog,
    SYS_umount2,
    SYS_unshare,
    SYS_userfaultfd,
    SYS_vhangup,
};

enum {
    NAMESPACES = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
                 CLONE_NEWUSER | CLONE_NEWUTS,
    FORBIDDEN = sizeof(forbidden) / sizeof(forbidden[0]),
    FILTER_MAX = 2 * FORBIDDEN + 64,
};

struct filter {
    struct sock_filter steps[FILTER_MAX];
    unsigned short count;
};

static void step(struct filter *filter, struct sock_filter one)
{
    filter->steps[filter->count++] = one;
}

#define STEP(...) step(filter, (struct sock_filter)__VA_ARGS__)
#define LOAD(field) \
    STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field)))
#define LEAVE(verdict) STEP(BPF_STMT(BPF_RET | BPF_K, (verdict)))
/* The next `steps` steps are taken only where the loaded value is that. */
#define WHERE(value, steps) STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (steps)))
#define MASK(bits) STEP(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (bits)))

/* The call is killed where its n-th argument has one of these bits; mmap, where it has all. */
static void forbid_bits(struct filter *filter, uint32_t call, unsigned n, uint32_t bits)
{
    bool is_all = call == SYS_mmap;

    WHERE(call, 5);
    LOAD(args[n]);
    MASK(bits);
    WHERE(is_all ? bits : 0, 1);
    LEAVE(is_all ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW);
    LEAVE(is_all ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
}

static void forbid_families(struct filter *filter, uint32_t call)
{
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6};

    WHERE(call, 8);
    LOAD(args[0]);
    for (size_t i = 0; i < 3; i++) {
        WHERE(families[i], 1);
        LEAVE(SECCOMP_RET_ALLOW);
    }
    LEAVE(SECCOMP_RET_KILL_PROCESS);
}

static void build(struct filter *filter)
{
    LOAD(arch);
    STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    LEAVE(SECCOMP_RET_KILL_PROCESS);
    LOAD(nr);
    for (size_t i = 0; i < FORBIDDEN; i++) {
        WHERE(forbidden[i], 1);
        LEAVE(SECCOMP_RET_KILL_PROCESS);
    }
    /* A filter cannot see into its arguments: systemd has it fail, and the libc then use clone. */
    WHERE(SYS_clone3, 1);
    LEAVE(SECCOMP_RET_ERRNO | ENOSYS);
    forbid_families(filter, SYS_socket);
    forbid_families(filter, SYS_socketpair);
    forbid_bits(filter, SYS_clone, 0, NAMESPACES);
    forbid_bits(filter, SYS_mmap, 2, PROT_WRITE | PROT_EXEC);
    forbid_bits(filter, SYS_mprotect, 2, PROT_EXEC);
    forbid_bits(filter, SYS_pkey_mprotect, 2, PROT_EXEC);
    LEAVE(SECCOMP_RET_ALLOW);
}

/* Without them root is an ordinary user who owns many files. Who is none has none. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++)
        (void)prctl(PR_CAPBSET_DROP, i);
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &header, none) == 0;
}

void sandbox_enter(void)
{
    struct filter filter = {.count = 0};
    build(&filter);
    struct sock_fprog program = {.len = filter.count, .filter = filter.steps};

    if (!drop_capabilities() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(126);
}
