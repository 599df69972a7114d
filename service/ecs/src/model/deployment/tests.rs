use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn deployment(status: Status) -> ServiceDeployment {
    ServiceDeployment {
        id: "d".into(),
        service: "default/web".into(),
        created_at: at(0),
        started_at: None,
        finished_at: None,
        stopped_at: None,
        updated_at: at(0),
        status,
        reason: None,
        target: Summary::default(),
        sources: vec![],
        rollback: None,
        breaker: Breaker::default(),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
    }
}

const ALL: [Status; 9] = [
    Status::Pending,
    Status::InProgress,
    Status::Successful,
    Status::StopRequested,
    Status::Stopped,
    Status::RollbackRequested,
    Status::RollbackInProgress,
    Status::RollbackSuccessful,
    Status::RollbackFailed,
];

/// Every state and every change: what is not named here leaves the state as it is.
#[test]
fn the_state_diagram_is_that_of_aws() {
    use Status::*;
    let back = || Change::GoBack {
        reason: "r".into(),
        revision: "1".into(),
    };
    let moves = [
        (Change::Open, vec![]),
        (Change::Begin, vec![(Pending, InProgress)]),
        (
            Change::Complete,
            vec![
                (Pending, Successful),
                (InProgress, Successful),
                (RollbackInProgress, RollbackSuccessful),
            ],
        ),
        (
            Change::Fail("f".into()),
            vec![
                (Pending, Stopped),
                (InProgress, Stopped),
                (StopRequested, Stopped),
                (RollbackRequested, Stopped),
                (RollbackInProgress, RollbackFailed),
            ],
        ),
        (
            back(),
            vec![
                (Pending, RollbackInProgress),
                (InProgress, RollbackInProgress),
                (RollbackRequested, RollbackInProgress),
            ],
        ),
        (
            Change::RequestStop("s".into()),
            vec![
                (Pending, StopRequested),
                (InProgress, StopRequested),
                (StopRequested, StopRequested),
                (RollbackRequested, StopRequested),
                (RollbackInProgress, StopRequested),
            ],
        ),
        (
            Change::RequestRollback,
            vec![(Pending, RollbackRequested), (InProgress, RollbackRequested)],
        ),
        (Change::Stop, vec![(StopRequested, Stopped)]),
    ];
    for (change, moves) in moves {
        for from in ALL {
            let to = moves.iter().find(|it| it.0 == from).map_or(from, |it| it.1);
            let mut row = deployment(from);
            row.apply(change.clone(), at(7));
            assert_eq!(row.status, to, "{change:?} in {from:?}");
            assert_eq!(row.finished_at.is_some(), to.is_over() && to != from);
            assert_eq!(row.stopped_at.is_some(), to == Stopped && from != Stopped);
        }
    }
}

#[test]
fn what_is_over_is_not_touched_any_more() {
    for status in ALL.into_iter().filter(|it| it.is_over()) {
        let mut row = deployment(status);
        row.apply(Change::RequestStop("late".into()), at(9));
        assert_eq!(row, deployment(status));
    }
}

#[test]
fn a_digest_that_is_known_stays() {
    let mut revision = ServiceRevision {
        id: "1".into(),
        service: "default/web".into(),
        created_at: at(0),
        workload: Workload {
            discovery: Default::default(),
            task_definition: "web:1".into(),
            network: Default::default(),
            load_balancers: vec![],
            launch: Default::default(),
            strategy: vec![],
            platform_version: "LATEST".into(),
        },
        images: vec![Image {
            container: "app".into(),
            image: "nginx".into(),
            digest: None,
        }],
    };
    revision.learn(&BTreeMap::from([("app".into(), "sha256:1".into())]));
    revision.learn(&BTreeMap::from([("app".into(), "sha256:2".into())]));
    assert_eq!(revision.images[0].digest.as_deref(), Some("sha256:1"));
}
