use super::*;

fn asked(name: &str, soft: u64, hard: u64) -> Ulimit {
    Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    }
}

#[test]
fn what_the_machine_cannot_give_is_lowered_and_said() {
    let (limits, notes) = clamp(&[asked("nofile", 50_000, 60_000)], false, |_| 20_000);
    assert_eq!(
        limits,
        [Rlimit {
            name: "RLIMIT_NOFILE".to_owned(),
            soft: 20_000,
            hard: 20_000
        }]
    );
    assert_eq!(
        notes,
        ["ulimit nofile was lowered from 60000 to 20000, the limit of this machine"]
    );
}

#[test]
fn with_the_privilege_nothing_is_lowered() {
    let (limits, notes) = clamp(
        &[asked("nofile", 50_000, 60_000), asked("bogus", 1, 1)],
        true,
        |_| 20_000,
    );
    assert_eq!(limits[0].hard, 60_000);
    assert_eq!(
        notes,
        ["ulimit bogus is not known on this machine and was left out"]
    );
}

#[test]
fn open_files_have_a_default() {
    assert_eq!(clamp(&[], false, |_| 20_000).0[0].hard, 20_000);
    assert_eq!(clamp(&[], true, |_| 20_000).0[0].soft, 65_535);
}

#[test]
fn very_few_open_files_are_for_the_program_alone() {
    let limit = |soft, hard| Rlimit {
        name: "RLIMIT_NOFILE".to_owned(),
        soft,
        hard,
    };
    assert_eq!(
        in_two_steps(vec![limit(10, 20)]),
        (vec![limit(256, 256)], Some((10, 20)))
    );
    assert_eq!(in_two_steps(vec![limit(300, 900)]), (vec![limit(300, 900)], None));
}
