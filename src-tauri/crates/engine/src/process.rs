//! The memory of this process. Others see nothing of it: logins and what agents sent are in it, so it leaves no core dump
//! behind, and on Linux other programs of the same user cannot read it. Root can. And it goes back to the system when
//! a large answer is done with.

/// glibc keeps what many threads have freed, and holes that large rows of SQLite leave behind: after an hour of large answers,
/// several times what is in use. This one serves C as well as Rust; how soon it gives memory back is said in
/// `.cargo/config.toml`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Closes this process. To be called first. Where the system cannot, the process runs all the same.
#[cfg(unix)]
pub fn close() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(not(unix))]
pub fn close() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn a_closed_process_leaves_no_dump_and_is_read_by_nobody() {
        super::close();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        let now = dumpable_behavior().expect("it is told");
        assert_eq!(now, DumpableBehavior::NotDumpable);
    }
}
