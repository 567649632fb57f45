#!/usr/bin/bash
# What a guest runs: checks.sh BUILD CHECK… Each check is a function below; `lists` has lists of them. A check that is a
# program of Google Test may have a filter behind it: lab:LabNat.*
build=$1
shift
xdpc=$build/xdpc

# one NAME COMMAND…: one line for one thing that passes or fails, with what it said if it failed.
one() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        echo "ok $name"
    else
        failed=1
        echo "$out" | tail -n 40
        echo "not ok $name"
    fi
}

# Every example is accepted by the verifier.
verify() {
    local file
    for file in examples/rules/*.xdp; do
        one "$(basename "$file")" "$xdpc" check --verify "$file"
    done
}

# The tests in the examples, by kernel and evaluator.
examples() {
    local file
    for file in examples/rules/*.xdp; do
        one "$(basename "$file")" "$xdpc" test --engine both "$file"
    done
}

features() {
    echo "@@ features $("$xdpc" features --json | tr -d '\n')"
    one features "$xdpc" features
}

# ---- Google Test programs ----

# tests NAME [FILTER]: of a program; what was asked for instead of what is usual.
tests() {
    "$build/tests/$1" --gtest_filter="${filter:-${2:-*}}"
}

state='*State*'
# Each of the compiler's templates and strategies in programs that are run on packets; what takes minutes natively
# does not end in reasonable time here.
kernel() { tests test_kernel "-CodegenProgramsSize.*:AfterRules/CodegenPrograms.*:$state"; }
# State in programs: sets, maps, limits, quotas, counters.
state() { tests test_kernel "$state"; }
# Look-ups of live sets, beside the kernel's own trie.
sets() { tests test_kernel_sets; }
# Load, attach, replace, carry, detach, and kills between.
runtime() { tests test_runtime; }
# The program with traffic over veth.
lab() { tests test_lab '-LabLarge.*'; }
# Random policies on random packets.
differential() { tests test_differential; }

# ---- two namespaces ----

a() { nsenter --net=/run/netns/a "$@"; }
b() { nsenter --net=/run/netns/b "$@"; }

# namespaces A B: the two interfaces in namespaces of their own, with addresses.
namespaces() {
    ip netns add a && ip netns add b
    ip link set "$1" netns a && ip link set "$2" netns b
    a ip link set lo up && b ip link set lo up
    a ip link set "$1" up && b ip link set "$2" up
    b ip address add 198.51.100.1/24 dev "$2"
    b ip -6 address add 2001:db8:1::1/64 dev "$2" nodad
}

namespaces_end() {
    b "$xdpc" detach -i "$1" >/dev/null 2>&1
    ip netns del a
    ip netns del b
}

# counts INTERFACE RULE NUMBER: a rule of the policy on it has counted at least so many.
counts() {
    local packets
    packets=$(b "$xdpc" stats -i "$1" | awk -v rule="$2" '$1 == rule { print $2 }')
    echo "rule $2 counted ${packets:-nothing}"
    ((${packets:-0} >= $3))
}

# answered NUMBER, lost NUMBER: of so many pings from a, all.
answered() { a ping -c "$1" -i 0.2 -W 2 198.51.100.1 | grep -F ' 0% packet loss'; }
lost() { a ping -c "$1" -i 0.2 -W 1 198.51.100.1 | grep -F ' 100% packet loss'; }

policy() { cat >"/tmp/$1.xdp"; }

# A policy natively on virtio_net: traffic that passes, that is dropped, that is answered; a swap; sets; a capture.
virtio() {
    ip link set eth0 down && ip link set eth1 down
    namespaces eth0 eth1
    a ip address add 198.51.100.9/24 dev eth0
    local verdict
    for verdict in pass drop; do
        policy "$verdict" <<END
set addresses { type ipv4_addr; elements = { 192.0.2.66 } }
chain ingress {
    policy pass
    bad: ip saddr @addresses drop
    echo: icmp type echo-request $verdict
}
END
    done
    one "link up" answered 3
    one "apply natively" b "$xdpc" apply /tmp/pass.xdp -i eth1 --mode native
    one "ping passes" answered 5
    one "pings are counted" counts eth1 echo 5
    one "an element is added" b "$xdpc" set add addresses -i eth1 198.51.100.9
    one "the element drops" lost 2
    one "drops are counted" counts eth1 bad 2
    one "the element is taken away" b "$xdpc" set del addresses -i eth1 198.51.100.9
    one "ping passes again" answered 2
    one "swap" b "$xdpc" apply /tmp/drop.xdp -i eth1 --mode native
    one "ping is dropped" lost 2
    one "counters went on" counts eth1 echo 9
    one "reply echo natively" b "$xdpc" apply examples/rules/ping.xdp -i eth1 --mode native
    one "every second ping is answered by XDP" a ping -q -c 6 -i 0.2 -W 1 198.51.100.1
    one "answers are counted" counts eth1 pong 3
    one "detach" b "$xdpc" detach -i eth1
    one "ping passes without" answered 2
    namespaces_end eth1
}

# tagged PROTOCOL ID: pings between a device of 8021q and a policy that takes tags off and puts them on.
tagged() {
    local protocol=$1 id=$2 push=$3
    ip link add out type veth peer name in
    namespaces out in
    a ethtool -K out tx-vlan-offload off tx-vlan-stag-hw-insert off >/dev/null 2>&1
    a ip link add link out name out.v type vlan proto "$protocol" id "$id"
    a ip link set out.v up
    a ip address add 198.51.100.9/24 dev out.v
    policy pop <<END
chain ingress {
    policy drop
    taken: vlan id $id vlan pop pass
}
END
    policy push <<END
chain ingress {
    policy pass
    put: ether type { ip, arp } $push pass
}
END
    one "$protocol: tags are taken off" b "$xdpc" apply /tmp/pop.xdp -i in --mode native
    one "$protocol: tags are put on" a "$xdpc" apply /tmp/push.xdp -i out --mode native
    one "$protocol: ping through both" answered 3
    one "$protocol: counted" counts in taken 3
    one "$protocol: detach" a "$xdpc" detach -i out
    namespaces_end in
}

vlan() {
    tagged 802.1Q 7 'vlan push id 7'
    tagged 802.1ad 9 'vlan push id 9 type 8021ad'
}

# tunnelled KIND INNER OUTER DEVICE…: pings, IPv4 or IPv6 by INNER, through a device of the kernel's (`ip link add tun type
# DEVICE…`) that puts an outer header of OUTER on, which a policy takes off; the way back is the other way round.
tunnelled() {
    local kind=$1 inner=$2 outer=$3 near=192.0.2.2 far=192.0.2.1 field=ip target=198.51.100.1
    shift 3
    [[ $outer == 4 ]] || { near=fd00::2 far=fd00::1 field=ip6; }
    ip link add out type veth peer name in
    namespaces out in
    b ip address add 192.0.2.1/24 dev in && b ip -6 address add fd00::1/64 dev in nodad
    a ip address add 192.0.2.2/24 dev out && a ip -6 address add fd00::2/64 dev out nodad
    [[ $kind != gue ]] || a ip fou add port 6080 gue
    a ip link add tun type "$@" local "$near" remote "$far"
    a ip link set tun mtu 1400 up
    if [[ $inner == 4 ]]; then
        a ip address add 198.51.100.9/24 dev tun
    else
        target=2001:db8:1::1
        a ip -6 address add 2001:db8:1::9/64 dev tun nodad
        b ip -6 neighbour replace 2001:db8:1::9 dev in lladdr "$(a ip -br link show dev out | awk "{ print \$3 }")"
    fi
    policy taken <<END
chain ingress {
    policy drop
    taken: $field saddr $near decap $kind pass
    ether type arp pass
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } pass
}
END
    policy put <<END
chain ingress {
    policy pass
    put: ( ip saddr 198.51.100.1 or ip6 saddr 2001:db8:1::1 ) encap $kind from $far to $near pass
}
END
    one "$kind: taken off" b "$xdpc" apply /tmp/taken.xdp -i in --mode native
    one "$kind: put on" a "$xdpc" apply /tmp/put.xdp -i out --mode native
    one "$kind: IPv$inner through both" a ping -c 3 -i 0.2 -W 2 "$target"
    one "$kind: counted" counts in taken 3
    one "$kind: detach" a "$xdpc" detach -i out
    namespaces_end in
}

# Tunnels of the kernel's own devices, both ways.
tunnels() {
    tunnelled ipip 4 4 ipip
    tunnelled 6in4 6 4 sit
    tunnelled 4in6 4 6 ip6tnl mode ipip6
    tunnelled ip6ip6 6 6 ip6tnl mode ip6ip6
    tunnelled gre 4 4 gre
    tunnelled gre 6 4 gre
    tunnelled gre 4 6 ip6gre
    tunnelled gue 4 4 ipip encap gue encap-sport auto encap-dport 6080
}

run() {
    local begun=$EPOCHREALTIME failed=0 status
    filter=
    [[ $1 != *:* ]] || filter=${1#*:}
    echo "@@ begin $1"
    "${1%%:*}"
    status=$?
    ((failed == 0)) || status=1
    echo "@@ end $1 $status $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begun }")"
}

for check in features "$@"; do
    run "$check"
done
