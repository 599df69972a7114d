use super::*;

#[test]
fn a_checker_changes_its_mind_after_so_many_results_in_a_row() {
    for (results, threshold, expected) in [
        ("+---", 3, "+++-"),
        ("--+--+", 3, "++++++"),
        ("---++-+++", 3, "++------+"),
        ("-+-", 1, "-+-"),
        ("-+", 0, "-+"),
    ] {
        let mut mind = Mind::new(true);
        let minds: String = results
            .chars()
            .map(|result| {
                if mind.hear(result == '+', threshold) {
                    '+'
                } else {
                    '-'
                }
            })
            .collect();
        assert_eq!(minds, expected, "{results} {threshold}");
    }
}
