//! Who gives memory, and how much of what was freed it may hold back.
//!
//! A server's models and forecasts come and go by megabytes among what stays for weeks, and glibc gives only the top of its
//! heap back: a hundred workloads took 69 MiB, of which a fifth was free. jemalloc gives back pages anywhere. It is
//! used on x86-64 only, because elsewhere it must be built for one size of page and does not start on another.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How jemalloc is to behave in a server: one arena for all threads, nothing kept for each of them, and what is freed goes
/// back at once. After five milliseconds, a hundred workloads would need a quarter less of the processor time, for nearly half of it
/// is the system's that clears pages, and up to eight MiB more memory.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const SPARINGLY: [(&str, &str); 1] =
    [("MALLOC_CONF", "narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0")];

/// The same for glibc: one arena and not one for each thread, and what is large is given back as soon as it is freed.
#[cfg(all(target_os = "linux", target_env = "gnu", not(target_arch = "x86_64")))]
const SPARINGLY: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "16384"), ("MALLOC_TRIM_THRESHOLD_", "65536")];

/// Other allocators need not be told.
#[cfg(not(all(target_os = "linux", any(target_env = "gnu", target_arch = "x86_64"))))]
const SPARINGLY: [(&str, &str); 0] = [];

/// Begins this process anew with [`SPARINGLY`], unless somebody has set one of these: the same process id, the same
/// arguments. An allocator can be told by variables only, and only before a process begins. If that cannot be, it goes on
/// with more memory.
pub(crate) fn sparingly() {
    use std::os::unix::process::CommandExt;
    if SPARINGLY.iter().any(|(name, _)| std::env::var_os(name).is_some()) || SPARINGLY.is_empty() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let mut again = std::process::Command::new(program);
        let mut words = std::env::args_os();
        if let Some(name) = words.next() {
            again.arg0(name);
        }
        let _ = again.args(words).envs(SPARINGLY).exec();
    }
}
