//! moto's server, from the project's own virtual environment; and the rules of AWS that it does not know.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{
    MetricType, PredefinedMetricSpecification, ScheduledUpdateGroupActionRequest,
};
use aws_sdk_autoscaling::types::{Tag, TargetTrackingConfiguration};
use jiff::{SignedDuration, Timestamp};

use tidecast_world::aws::ScalingPolicy;

use tidecast::egress::{Address, Ask, Connector, Door, Rules};

use super::suite::client;

/// A running server; dropped, it is killed.
pub(crate) struct Moto {
    port: u16,
    process: Child,
}

#[expect(clippy::disallowed_methods, reason = "moto lives in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Moto {
    /// On a free port; none if it is not installed, which is said.
    pub(crate) async fn start() -> Option<Self> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
        let program = python.with_file_name("moto_server");
        if !program.is_file() {
            eprintln!("skipped: moto is not installed; `scripts/python moto` installs it");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Not by its own first line, which names the folder in which it was installed.
        let process = Command::new(python)
            .args(["-c", "from moto.server import main; main()"])
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { port, process };
        let client = client(&moto.url()).await;
        for _ in 0..300 {
            if client.describe_auto_scaling_groups().send().await.is_ok() {
                return Some(moto);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto does not answer after half a minute");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn now(&self) -> Timestamp {
        now()
    }

    /// A group with instances in service, which they are at once.
    pub(crate) async fn create(&self, group: &str, [min, desired, max]: [u32; 3]) {
        let client = client(&self.url()).await;
        let launch = client.create_launch_configuration().launch_configuration_name(group);
        launch.image_id("ami-12c6146b").instance_type("t3.micro").send().await.unwrap();
        let tag = Tag::builder().resource_id(group).resource_type("auto-scaling-group");
        client
            .create_auto_scaling_group()
            .auto_scaling_group_name(group)
            .launch_configuration_name(group)
            .min_size(min as i32)
            .desired_capacity(desired as i32)
            .max_size(max as i32)
            .availability_zones("eu-west-1a")
            .tags(tag.key("tidecast").value("managed").propagate_at_launch(false).build())
            .send()
            .await
            .unwrap();
    }
}

impl Moto {
    /// Target tracking of a group by the requests to a target group of a load balancer.
    pub(crate) async fn track(&self, group: &str, policy: &ScalingPolicy) {
        let metric = PredefinedMetricSpecification::builder()
            .predefined_metric_type(MetricType::from(policy.metric.as_str()))
            .set_resource_label(policy.label.clone())
            .build();
        let tracking = TargetTrackingConfiguration::builder()
            .predefined_metric_specification(metric)
            .target_value(policy.target)
            .disable_scale_in(policy.only_adds)
            .build();
        let put = client(&self.url()).await.put_scaling_policy();
        let put = put.auto_scaling_group_name(group).policy_name(&policy.name);
        let put = put.policy_type("TargetTrackingScaling").target_tracking_configuration(tracking);
        put.send().await.unwrap();
    }

    /// A launch template of this name: by hand, for the SDK of EC2 is not among what we build.
    pub(crate) async fn template(&self, name: &str) {
        let form = format!(
            "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName={name}\
             &LaunchTemplateData.ImageId=ami-12c6146b&LaunchTemplateData.InstanceType=t3.micro"
        );
        let scope = "Credential=AKIDTEST/20261127/eu-west-1/ec2/aws4_request";
        let signed = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0");
        let url = self.url();
        let address = Address::new("moto", &url);
        let connector = Connector::new(&address, &Rules::new([Door::inside(&url).unwrap()])).unwrap();
        let body = Some(("application/x-www-form-urlencoded", form.into_bytes()));
        let headers = [("authorization", signed.as_str())];
        let answer =
            connector.ask(Ask { path: "/", body, headers: &headers, ..Ask::default() }).await.unwrap();
        assert!(answer.is_success(), "{}", String::from_utf8_lossy(&answer.body));
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What AWS refuses and moto does not. If moto learns a rule, this test fails, and the list in docs/how-to/aws.md gets
/// shorter.
#[tokio::test]
async fn moto_lets_through_what_aws_refuses() {
    let Some(moto) = Moto::start().await else { return };
    moto.create("rules", [1, 2, 5]).await;
    let client = client(&moto.url()).await;
    client.set_desired_capacity().auto_scaling_group_name("rules").desired_capacity(50).send().await.unwrap();
    let at = |minutes: i64| DateTime::from_secs((now() + SignedDuration::from_mins(minutes)).as_second());
    let action = |n: usize, start: DateTime| {
        let name = format!("tidecast-{n}");
        ScheduledUpdateGroupActionRequest::builder()
            .scheduled_action_name(name)
            .start_time(start)
            .min_size(1)
            .build()
    };
    let batch = |actions: Vec<ScheduledUpdateGroupActionRequest>| {
        let put = client.batch_put_scheduled_update_group_action().auto_scaling_group_name("rules");
        put.set_scheduled_update_group_actions(Some(actions)).send()
    };
    let failed = batch((0..60).map(|n| action(n, at(10))).collect()).await.unwrap();
    assert!(failed.failed_scheduled_update_group_actions().is_empty(), "sixty at once, all at one time");
    let failed = batch(vec![action(60, at(-10))]).await.unwrap();
    assert!(failed.failed_scheduled_update_group_actions().is_empty(), "one in the past");
    let failed = batch((61..109).map(|n| action(n, at(20))).collect()).await.unwrap();
    assert!(failed.failed_scheduled_update_group_actions().is_empty());
    batch((109..150).map(|n| action(n, at(20))).collect()).await.unwrap();
    let all = client.describe_scheduled_actions().auto_scaling_group_name("rules").send().await.unwrap();
    assert_eq!(all.scheduled_update_group_actions().len(), 150, "a hundred and fifty, and all on one page");
    let activities =
        client.describe_scaling_activities().auto_scaling_group_name("rules").send().await.unwrap();
    assert!(activities.activities().is_empty(), "it has launched instances, and tells of none");
}
