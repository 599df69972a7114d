//! Auto Scaling groups that are only said to be there; who makes and ends their instances is the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::{self, Api, AutoScalingGroup};

#[derive(Clone, Default)]
pub(super) struct Groups(Arc<Mutex<BTreeMap<String, AutoScalingGroup>>>);

impl Groups {
    pub(super) fn make(&self, name: &str, desired: i32, most: i32, protected: bool) -> String {
        let arn = format!(
            "arn:aws:autoscaling:us-east-1:000000000000:autoScalingGroup:0123:autoScalingGroupName/{name}"
        );
        let row = AutoScalingGroup {
            auto_scaling_group_name: name.to_owned(),
            auto_scaling_group_arn: Some(arn.clone()),
            desired_capacity: desired,
            max_size: most,
            new_instances_protected_from_scale_in: Some(protected),
            instances: Some(vec![]),
            ..Default::default()
        };
        self.0.lock().unwrap().insert(name.to_owned(), row);
        arn
    }

    pub(super) fn desired(&self, name: &str) -> i32 {
        self.0.lock().unwrap()[name].desired_capacity
    }

    /// Another instance of the group, with the protection that new ones have.
    pub(super) fn add(&self, name: &str, id: &str) {
        let mut rows = self.0.lock().unwrap();
        let row = rows.get_mut(name).unwrap();
        row.instances.as_mut().unwrap().push(autoscaling::Instance {
            instance_id: id.to_owned(),
            lifecycle_state: "InService".into(),
            protected_from_scale_in: row.new_instances_protected_from_scale_in == Some(true),
            ..Default::default()
        });
    }

    /// Ids of the instances, and whether they are protected; what is being terminated is marked with `-`.
    pub(super) fn members(&self, name: &str) -> Vec<(String, bool)> {
        let rows = self.0.lock().unwrap();
        let all = rows[name].instances.as_ref().unwrap().iter();
        all.map(|it| {
            let going = it.lifecycle_state.as_str() != "InService";
            let mark = if going { "-" } else { "" };
            (format!("{mark}{}", it.instance_id), it.protected_from_scale_in)
        })
        .collect()
    }
}

#[async_trait]
impl Api for Groups {
    async fn describe_auto_scaling_groups(
        &self,
        _: &Context,
        input: autoscaling::AutoScalingGroupNamesType,
    ) -> Result<autoscaling::AutoScalingGroupsType, ApiError> {
        let rows = self.0.lock().unwrap();
        let names = input.auto_scaling_group_names.unwrap_or_default();
        Ok(autoscaling::AutoScalingGroupsType {
            auto_scaling_groups: names.iter().filter_map(|name| rows.get(name).cloned()).collect(),
            next_token: None,
        })
    }

    async fn set_desired_capacity(
        &self,
        _: &Context,
        input: autoscaling::SetDesiredCapacityType,
    ) -> Result<(), ApiError> {
        let mut rows = self.0.lock().unwrap();
        let row = rows.get_mut(&input.auto_scaling_group_name).unwrap();
        assert!(
            input.desired_capacity <= row.max_size,
            "the group's bounds are respected"
        );
        row.desired_capacity = input.desired_capacity;
        Ok(())
    }

    async fn set_instance_protection(
        &self,
        _: &Context,
        input: autoscaling::SetInstanceProtectionQuery,
    ) -> Result<autoscaling::SetInstanceProtectionAnswer, ApiError> {
        let mut rows = self.0.lock().unwrap();
        let row = rows.get_mut(&input.auto_scaling_group_name).unwrap();
        for one in row.instances.as_mut().unwrap() {
            if input.instance_ids.contains(&one.instance_id) {
                one.protected_from_scale_in = input.protected_from_scale_in;
            }
        }
        Ok(Default::default())
    }

    async fn terminate_instance_in_auto_scaling_group(
        &self,
        _: &Context,
        input: autoscaling::TerminateInstanceInAutoScalingGroupType,
    ) -> Result<autoscaling::ActivityType, ApiError> {
        let mut rows = self.0.lock().unwrap();
        for row in rows.values_mut() {
            let mut all = row.instances.as_mut().unwrap().iter_mut();
            if let Some(one) = all.find(|it| it.instance_id == input.instance_id) {
                one.lifecycle_state = "Terminating".into();
                row.desired_capacity -= i32::from(input.should_decrement_desired_capacity);
            }
        }
        Ok(Default::default())
    }
}
