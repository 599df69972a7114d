use aws_protocol::{Kind, Schema, ServiceSchema, validate};

use super::*;

const SERVICES: [&ServiceSchema; 7] = [
    &ec2::SERVICE,
    &ecr::SERVICE,
    &ecs::SERVICE,
    &elbv2::SERVICE,
    &iam::SERVICE,
    &logs::SERVICE,
    &sts::SERVICE,
];

/// Operations and shapes are found by halving, so they must be in order.
#[test]
fn everything_is_found_by_its_name() {
    for service in SERVICES {
        for operation in service.operations {
            assert!(
                service
                    .operation(operation.name)
                    .is_some_and(|it| std::ptr::eq(it, operation))
            );
            assert!(!service.is_unserved(operation.name), "{}", operation.name);
        }
        for name in service.unserved {
            assert!(service.is_unserved(name), "{name}");
        }
        for shape in service.shapes {
            assert!(
                service
                    .shape(shape.name)
                    .is_some_and(|it| std::ptr::eq(it, *shape)),
                "{}",
                shape.name
            );
        }
    }
}

/// A pattern that Rust's regular expressions do not know would not be checked at all.
#[test]
fn every_pattern_of_an_input_is_checked() {
    fn walk(schema: &'static Schema, seen: &mut Vec<&'static str>, wrong: &mut Vec<&'static str>) {
        if seen.contains(&schema.name) {
            return;
        }
        seen.push(schema.name);
        wrong.extend(schema.pattern.filter(|it| validate::compile(it).is_none()));
        match &schema.kind {
            Kind::Structure(members) => members.iter().for_each(|it| walk(it.schema, seen, wrong)),
            Kind::List(element) => walk(element.schema, seen, wrong),
            Kind::Map(key, value) => [key, value]
                .into_iter()
                .for_each(|it| walk(it.schema, seen, wrong)),
            _ => {}
        }
    }
    for service in SERVICES {
        let (mut seen, mut wrong) = (Vec::new(), Vec::new());
        service
            .operations
            .iter()
            .filter_map(|it| it.input)
            .for_each(|it| walk(it, &mut seen, &mut wrong));
        assert!(wrong.is_empty(), "{}: {wrong:?}", service.name);
    }
}

/// The facts that the client half checks people's files with are all there.
#[test]
fn a_task_definition_can_be_checked_member_by_member() {
    let input = ecs::SERVICE
        .operation("RegisterTaskDefinition")
        .and_then(|it| it.input)
        .expect("it has an input");
    let containers = input.member("containerDefinitions").expect("a member");
    assert!(containers.required);
    let Kind::List(element) = &containers.schema.kind else {
        panic!("it is a list")
    };
    let depends = element.schema.member("dependsOn").expect("a member");
    let Kind::List(element) = &depends.schema.kind else {
        panic!("it is a list")
    };
    let condition = element.schema.member("condition").expect("a member");
    assert!(condition.required);
    assert_eq!(
        condition.schema.values,
        ["START", "COMPLETE", "SUCCESS", "HEALTHY"]
    );
}

#[test]
fn enumerations_keep_what_they_do_not_know() {
    assert_eq!(ecs::LaunchType::from("FARGATE"), ecs::LaunchType::Fargate);
    assert_eq!(ecs::LaunchType::from("MOON").as_str(), "MOON");
    assert_eq!(ecs::LaunchType::default(), ecs::LaunchType::Other(String::new()));
}
