//! Two nodes of one cluster, on loopback and without multicast.

use std::collections::BTreeMap;

use super::options::{App, Options, Version};
use super::{Tomcat, free_ports};

/// What a server is in its cluster.
#[derive(Clone, Debug)]
pub struct Node {
    /// What its session ids end in, after a dot.
    pub name: &'static str,
    /// The port for the other node, of each node by its name.
    ports: BTreeMap<&'static str, u16>,
}

/// Nodes `a` and `b`, each with `/replicated` and `/backup`, which share their sessions.
pub async fn cluster(version: Version) -> [Tomcat; 2] {
    let ports: BTreeMap<_, _> = ["a", "b"].into_iter().zip(free_ports()).collect();
    let start = |name| {
        let mut options = Options::new(version)
            .app(App::replicated("/replicated"))
            .app(App::backed_up("/backup"));
        options.node = Some(Node {
            name,
            ports: ports.clone(),
        });
        Tomcat::start(options)
    };
    // One after the other: a node that starts asks the others for their sessions, and waits for whoever starts as well.
    [start("a").await, start("b").await]
}

impl Node {
    /// For Tomcat's `server.xml`.
    pub fn cluster(&self) -> String {
        let members: String = self
            .ports
            .iter()
            .map(|(name, port)| {
                let element = if *name == self.name { "LocalMember" } else { "Member" };
                // Any sixteen numbers that no other node has.
                let id = vec![name.as_bytes()[0].to_string(); 16].join(",");
                format!(
                    "<{element} className=\"org.apache.catalina.tribes.membership.StaticMember\" host=\"127.0.0.1\" \
                     port=\"{port}\" uniqueId=\"{{{id}}}\"/>"
                )
            })
            .collect();
        format!(
            "<Cluster className=\"org.apache.catalina.ha.tcp.SimpleTcpCluster\" channelStartOptions=\"3\">\
             <Channel className=\"org.apache.catalina.tribes.group.GroupChannel\">\
             <Receiver className=\"org.apache.catalina.tribes.transport.nio.NioReceiver\" address=\"127.0.0.1\" \
             port=\"{}\" autoBind=\"0\" minThreads=\"2\" maxThreads=\"6\"/>\
             <Interceptor className=\"org.apache.catalina.tribes.group.interceptors.TcpFailureDetector\"/>\
             <Interceptor className=\"org.apache.catalina.tribes.group.interceptors.StaticMembershipInterceptor\">\
             {members}</Interceptor></Channel>\
             <Valve className=\"org.apache.catalina.ha.tcp.ReplicationValve\"/>\
             <ClusterListener className=\"org.apache.catalina.ha.session.ClusterSessionListener\"/></Cluster>\n",
            self.ports[self.name]
        )
    }
}
