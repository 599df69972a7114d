//! The store beside the simplest thing that does the same.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Stream, then time and text of each line.
    Append(u8, Vec<(i64, u8)>),
    RemoveStream(u8),
    RemoveGroup,
    Expire(i64),
    Clear,
    Reopen,
    /// Until everything that can be is in frames.
    Seal,
    Query {
        streams: Vec<u8>,
        from_ms: Option<i64>,
        to_ms: Option<i64>,
        after: Option<usize>,
        backwards: bool,
        contains: Vec<u8>,
        limit: usize,
    },
    Arrived(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let line = (0..40_i64, any::<u8>());
    let some = |range| prop::option::of(range);
    let query = (
        prop::collection::vec(0..3_u8, 0..2),
        some(0..40_i64),
        some(0..40_i64),
        prop::option::of(0..500_usize),
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 0..2),
        0..60_usize,
    );
    let step = prop_oneof![
        20 => (0..3_u8, prop::collection::vec(line, 0..40)).prop_map(|(stream, lines)| Step::Append(stream, lines)),
        1 => (0..3_u8).prop_map(Step::RemoveStream),
        1 => Just(Step::RemoveGroup),
        2 => (0..30_i64).prop_map(Step::Expire),
        1 => Just(Step::Clear),
        2 => Just(Step::Reopen),
        3 => Just(Step::Seal),
        10 => query.prop_map(|(streams, from_ms, to_ms, after, backwards, contains, limit)| Step::Query {
            streams, from_ms, to_ms, after, backwards, contains, limit,
        }),
        5 => (0..500_usize, 0..60_usize).prop_map(|(after, limit)| Step::Arrived(after, limit)),
    ];
    prop::collection::vec(step, 1..60)
}

fn name(stream: u8) -> String {
    format!("stream {stream}")
}

fn text(seed: u8) -> String {
    format!("request {seed} took {} ms", u32::from(seed).pow(2)).repeat(1 + usize::from(seed % 3))
}

/// Sequence, stream, time, text.
type Known = (u64, String, i64, String);

struct World {
    folder: tempfile::TempDir,
    logs: Option<LogDirectory>,
    lines: Vec<Known>,
    /// The last sequence given.
    newest: u64,
}

impl World {
    fn logs(&self) -> &LogDirectory {
        self.logs.as_ref().unwrap()
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Append(stream_number, lines) => self.append(stream_number, lines).await,
            Step::RemoveStream(number) => {
                self.logs().remove_stream(&stream(&name(number))).await.unwrap();
                self.lines.retain(|line| line.1 != name(number));
            }
            Step::RemoveGroup => {
                self.logs().remove_group("s", "g").await.unwrap();
                self.lines.clear();
            }
            Step::Expire(before_ms) => {
                self.logs().expire("s", "g", before_ms).await.unwrap();
                self.lines.retain(|line| line.2 >= before_ms);
            }
            Step::Clear => {
                self.logs().clear().await.unwrap();
                self.lines.clear();
            }
            Step::Reopen => {
                drop(self.logs.take());
                self.logs = Some(small(self.folder.path()));
            }
            Step::Seal => sealed(self.logs()).await,
            Step::Arrived(after, limit) => {
                let after = self.known(after).0;
                let found = self.logs().arrived("s", "g", after, limit).await.unwrap();
                let expected = self.lines.iter().filter(|line| line.0 > after).take(limit);
                same(&found, expected.cloned().collect());
            }
            query @ Step::Query { .. } => self.query(query).await,
        }
    }

    async fn append(&mut self, number: u8, lines: Vec<(i64, u8)>) {
        let given = lines.iter().map(|&(at_ms, seed)| line(at_ms, &text(seed)));
        let given = given.collect();
        self.logs()
            .append(&stream(&name(number)), given, None)
            .await
            .unwrap();
        for (at_ms, seed) in lines {
            self.newest += 1;
            self.lines.push((self.newest, name(number), at_ms, text(seed)));
        }
        assert_eq!(self.logs().newest().await.unwrap(), self.newest);
    }

    /// Some line, or a place where none is.
    fn known(&self, place: usize) -> (u64, i64) {
        self.lines
            .get(place)
            .map_or((place as u64, 7), |line| (line.0, line.2))
    }

    async fn query(&self, query: Step) {
        let Step::Query {
            streams,
            from_ms,
            to_ms,
            after,
            backwards,
            contains,
            limit,
        } = query
        else {
            return;
        };
        let query = LogQuery {
            streams: streams.iter().copied().map(name).collect(),
            from_ms,
            to_ms,
            after: after.map(|place| (self.known(place).1, self.known(place).0)),
            backwards,
            contains: contains.iter().map(|seed| format!("{seed} took")).collect(),
            limit,
            ..everything()
        };
        let found = self.logs().query(query.clone()).await.unwrap();
        let behind = |line: &Known, (at_ms, sequence)| {
            if backwards {
                (line.2, line.0) < (at_ms, sequence)
            } else {
                (line.2, line.0) > (at_ms, sequence)
            }
        };
        let mut expected: Vec<Known> = self.lines.clone();
        expected.retain(|line| {
            (query.streams.is_empty() || query.streams.contains(&line.1))
                && from_ms.is_none_or(|from| line.2 >= from)
                && to_ms.is_none_or(|to| line.2 <= to)
                && query.after.is_none_or(|after| behind(line, after))
                && query.contains.iter().all(|text| line.3.contains(text))
        });
        expected.sort_by_key(|line| (line.2, line.0));
        if backwards {
            expected.reverse();
        }
        expected.truncate(limit);
        same(&found, expected);
    }
}

fn same(found: &[StoredLine], expected: Vec<Known>) {
    let found: Vec<Known> = found
        .iter()
        .map(|line| {
            (
                line.sequence,
                line.stream.clone(),
                line.at_ms,
                line.message.clone(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_store_does_what_a_list_does(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let logs = Some(small(folder.path()));
        let mut world = World { folder, logs, lines: Vec::new(), newest: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for step in steps {
                world.step(step).await;
            }
        });
    }
}
