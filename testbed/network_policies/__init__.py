"""Enforces NetworkPolicies on the embedded cluster, whose CNI plugins do not: test equipment.

The program runs in a pod on the node, watches namespaces, pods and policies, and configures the kernel's packet
filter. A pod that the program does not know yet can neither open nor accept connections.

kube-network-policies 0.8.0 was tried as a replacement and fails these tests:

- `test_network_semantics` and every other test that expects a refusal, if the kernel lacks nftables' `queue` expression
  (`CONFIG_NFT_QUEUE`): kube-network-policies cannot load its rules and enforces nothing. If the kernel has the iptables
  target `NFQUEUE`, the same rules can be loaded with iptables, and `test_network_semantics` passes.
- Even with iptables: `test_nothing_of_ours_reaches_the_metadata_service`,
  `test_every_connection_is_admitted_or_refused_as_the_policies_say` and
  `test_a_teams_pod_reaches_the_login_the_ingress_controller_and_names`. kube-network-policies filters packets that
  leave the node, and packets from a pod to its own node never do.
"""
