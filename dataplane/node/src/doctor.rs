//! What a machine must have to run tasks, found by trying, with what to do where it is missing.

use std::path::Path;
use std::{fs, io, thread};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// The oldest kernel with everything that is used.
const KERNEL_MIN: (u32, u32) = (5, 12);

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Short, such as `overlayfs`.
    pub name: &'static str,
    pub ok: bool,
    /// What was found.
    pub sentence: String,
    /// What to do about it; empty when it is fine.
    pub remedy: String,
}

fn finding(name: &'static str, found: Result<String, String>, remedy: &str) -> Finding {
    match found {
        Ok(sentence) => Finding {
            name,
            ok: true,
            sentence,
            remedy: String::new(),
        },
        Err(sentence) => Finding {
            name,
            ok: false,
            sentence,
            remedy: remedy.to_owned(),
        },
    }
}

/// Looks at everything. `state_dir` is where images and containers are going to be. Blocks for some milliseconds.
pub fn check_host(state_dir: &Path) -> Vec<Finding> {
    let root = nix::unistd::geteuid().is_root();
    let mut findings = vec![finding(
        "root",
        if root {
            Ok("running as root".to_owned())
        } else {
            Err("not running as root".to_owned())
        },
        "start it with sudo",
    )];
    findings.push(kernel());
    if !root {
        // Everything below would fail for this one reason.
        return findings;
    }
    findings.push(namespaces());
    findings.push(control_groups());
    findings.push(overlay(state_dir));
    findings.push(seccomp());
    let probe = dataplane_network::probe();
    let said = |result: io::Result<()>, what: &str| match result {
        Ok(()) => Ok(format!("{what} work")),
        Err(error) => Err(format!("{what} do not work: {error}")),
    };
    findings.push(finding(
        "network namespaces",
        said(probe.namespaces, "network namespaces"),
        "use a kernel with CONFIG_NET_NS; inside a container, run that container privileged",
    ));
    findings.push(finding(
        "bridge and veth",
        said(probe.links, "bridges and virtual Ethernet pairs"),
        "load the kernel modules: modprobe bridge; modprobe veth",
    ));
    findings.push(finding(
        "nftables",
        said(
            probe.filter,
            "packet filters with connection tracking and translation",
        ),
        "load the kernel modules: modprobe nf_tables; modprobe nft_ct; modprobe nft_masq; modprobe nft_nat",
    ));
    findings
}

fn kernel() -> Finding {
    let release = nix::sys::utsname::uname()
        .map(|name| name.release().to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let found = if version >= KERNEL_MIN {
        Ok(format!("Linux {release}"))
    } else {
        Err(format!(
            "Linux {release} is older than {}.{}",
            KERNEL_MIN.0, KERNEL_MIN.1
        ))
    };
    finding("kernel", found, "install a newer kernel")
}

fn namespaces() -> Finding {
    let missing: Vec<&str> = ["cgroup", "ipc", "mnt", "net", "pid", "uts"]
        .into_iter()
        .filter(|name| !Path::new("/proc/self/ns").join(name).exists())
        .collect();
    let found = if missing.is_empty() {
        on_own_thread(|| Ok(unshare(CloneFlags::CLONE_NEWNS)?))
            .map(|()| "namespaces of every kind".to_owned())
            .map_err(|error| format!("a mount namespace cannot be made: {error}"))
    } else {
        Err(format!(
            "the kernel has no namespaces of kind {}",
            missing.join(", ")
        ))
    };
    finding(
        "namespaces",
        found,
        "inside a container, run that container privileged; else use a usual kernel",
    )
}

fn control_groups() -> Finding {
    let missing = dataplane_runtime::missing_controllers();
    let found = if missing.is_empty() {
        Ok("control groups with cpu, memory and pids".to_owned())
    } else {
        Err(format!("control groups lack {}", missing.join(", ")))
    };
    let remedy =
        "mount /sys/fs/cgroup, and add cgroup_enable=memory to the kernel's command line if memory lacks";
    finding("control groups", found, remedy)
}

fn overlay(state_dir: &Path) -> Finding {
    let place = state_dir.join(format!("doctor-{}", std::process::id()));
    let tried = on_own_thread(|| try_overlay(&place));
    let _ = fs::remove_dir_all(&place);
    let found = match tried {
        Ok(()) => Ok(format!("overlays work in {}", state_dir.display())),
        Err(error) => Err(format!(
            "no overlay can be mounted in {}: {error}",
            state_dir.display()
        )),
    };
    let remedy = "load the kernel module (modprobe overlay); \
                  choose a --state-dir on an ordinary file system such as ext4, xfs or btrfs";
    finding("overlayfs", found, remedy)
}

fn try_overlay(place: &Path) -> io::Result<()> {
    for name in ["lower", "upper", "work", "root"] {
        fs::create_dir_all(place.join(name))?;
    }
    unshare(CloneFlags::CLONE_NEWNS)?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)?;
    // Only this thread has left for the place, as it no longer shares its directories.
    std::env::set_current_dir(place)?;
    let options = "lowerdir=lower,upperdir=upper,workdir=work";
    mount(
        Some("overlay"),
        "root",
        Some("overlay"),
        MsFlags::empty(),
        Some(options),
    )?;
    let written = fs::write("root/file", "");
    umount2("root", MntFlags::MNT_DETACH)?;
    written
}

fn seccomp() -> Finding {
    let found = match fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail") {
        Ok(actions) if actions.contains("errno") => Ok("system call filters".to_owned()),
        _ => Err("the kernel has no system call filters".to_owned()),
    };
    finding("seccomp", found, "use a kernel with CONFIG_SECCOMP_FILTER")
}

fn on_own_thread<R: Send>(act: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    thread::scope(|scope| {
        scope
            .spawn(act)
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the attempt has panicked")))
    })
}

#[cfg(test)]
mod tests;
