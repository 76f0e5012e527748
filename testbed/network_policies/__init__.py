"""Enforces NetworkPolicies on the embedded cluster, whose CNI plugins do not: test equipment.

The program runs in a pod on the node, watches namespaces, pods and policies, and configures the kernel's packet
filter. A pod that the program does not know yet can neither open nor accept connections.

kube-network-policies 0.8.0 was tried as a replacement and fails these tests:

- `test_network_semantics`, and every other that expects a refusal, on kernels without nftables' `queue` expression
  (`CONFIG_NFT_QUEUE`): its rules do not load, and nothing is enforced. With the same rules in iptables, whose target
  `NFQUEUE` such a kernel may have, this test passes.
- Even with iptables: `test_nothing_of_ours_reaches_the_metadata_service`,
  `test_every_connection_is_admitted_or_refused_as_the_policies_say` and
  `test_a_teams_pod_reaches_the_login_the_ingress_controller_and_names`. kube-network-policies filters packets that
  leave the node, and packets from a pod to its own node never do.
"""
