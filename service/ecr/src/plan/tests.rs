use super::*;

/// `digest tag,tag @days-ago`, with `>child` and `^subject`.
fn images(text: &str) -> Vec<Arc<Image>> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut image = Image {
                digest: String::new(),
                media_type: "m".into(),
                size_bytes: 1,
                pushed_at: now(),
                pulled_at: None,
                tags: vec![],
                config_media_type: None,
                subject: None,
                children: vec![],
                blobs: vec![],
            };
            for (number, word) in line.split(' ').enumerate() {
                let ago = |days: &str| now() - DAY * days.parse::<u32>().unwrap();
                match (number, word.split_at(1)) {
                    (0, _) => image.digest = word.to_owned(),
                    (_, ("@", days)) => image.pushed_at = ago(days),
                    (_, ("!", days)) => image.pulled_at = Some(ago(days)),
                    (_, (">", child)) => image.children.push(child.to_owned()),
                    (_, ("^", subject)) => image.subject = Some(subject.to_owned()),
                    _ => image.tags.extend(word.split(',').map(str::to_owned)),
                }
            }
            Arc::new(image)
        })
        .collect()
}

fn now() -> Timestamp {
    "2026-01-31T00:00:00Z".parse().unwrap()
}

fn rule(priority: i32, tags: Tags, limit: Limit) -> Rule {
    Rule {
        priority,
        tags,
        limit,
    }
}

fn like(patterns: &[&str]) -> Tags {
    Tags::Like(patterns.iter().map(|it| (*it).to_owned()).collect())
}

fn check(rules: Vec<Rule>, repository: &str, expected: &[(&str, i32)]) {
    let found = expiring(&Policy { rules }, &images(repository), now());
    let expected: BTreeMap<String, i32> = expected
        .iter()
        .map(|(digest, rule)| ((*digest).to_owned(), *rule))
        .collect();
    assert_eq!(found, expected, "{repository}");
}

const THREE: &str = "
    a v1 @3
    b v2 @2
    c v3 @1";

#[test]
fn the_youngest_stay_when_images_are_counted() {
    check(vec![rule(1, Tags::Any, Limit::Count(2))], THREE, &[("a", 1)]);
    check(vec![rule(1, Tags::Any, Limit::Count(3))], THREE, &[]);
    check(
        vec![rule(1, like(&["v*"]), Limit::Count(1))],
        THREE,
        &[("a", 1), ("b", 1)],
    );
    check(vec![rule(1, like(&["w*"]), Limit::Count(1))], THREE, &[]);
}

#[test]
fn images_expire_by_age_and_by_their_last_pull() {
    check(vec![rule(1, Tags::Any, Limit::PushedDays(2))], THREE, &[("a", 1)]);
    check(
        vec![rule(1, Tags::Any, Limit::PulledDays(2))],
        "
        a v1 @9 !1
        b v2 @9 !3
        c v3 @9
        d v4 @1",
        &[("b", 1), ("c", 1)],
    );
}

#[test]
fn several_patterns_must_all_be_met() {
    check(
        vec![rule(1, like(&["alpha*", "*beta"]), Limit::Count(1))],
        "
        a alpha1,xbeta @3
        b alpha2 @2
        c alpha3,beta @1",
        &[("a", 1)],
    );
}

#[test]
fn an_image_belongs_to_the_first_rule_that_is_about_it() {
    // From AWS's documentation: images that the first rule keeps are not touched by the second, which still counts them.
    let rules = || {
        vec![
            rule(1, like(&["prod*"]), Limit::Count(1)),
            rule(2, like(&["beta*"]), Limit::Count(1)),
        ]
    };
    check(
        rules(),
        "
        a beta1,prod1 @3
        b beta2,prod2 @2
        c beta3 @1",
        &[("a", 1)],
    );
    check(
        vec![
            rule(1, Tags::Untagged, Limit::PushedDays(1)),
            rule(2, Tags::Any, Limit::Count(1)),
        ],
        "
        a v1 @4
        b @3
        c @1
        d v2 @0",
        &[("a", 2), ("b", 1)],
    );
}

#[test]
fn what_an_index_leads_to_stays_with_it_and_referrers_go_with_their_subject() {
    check(
        vec![rule(1, Tags::Untagged, Limit::PushedDays(1))],
        "
        a @9
        b @9
        i v1 @9 >b >j
        j @9 >k
        k @9
        s @9 ^b
        t @9 ^a
        u @9 ^gone",
        &[("a", 1), ("t", 1), ("u", 1)],
    );
}
