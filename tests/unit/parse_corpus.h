// Policies that together use every construct of the language: seeds of round trips and mutations.
#pragma once

#include <string>
#include <vector>

namespace xdpc::parse_test {

/// Rules, each of which is right.
inline const std::vector<std::string>& rule_corpus() {
    static const std::vector<std::string> rules = {
        "ssh: tcp dport 22 pass",
        "ah: ah spi 77 drop",
        "ip saddr 10.0.0.0/8 ip daddr != 192.0.2.0/24 drop",
        "ip saddr 10.0.0.1-10.0.0.9 counter accept",
        "ip6 saddr { 2001:db8::/32, ::1, fe80::1-fe80::9 } drop",
        "ip6 saddr vmap { fe80::1: drop, fe80::: pass, * : continue }",
        "ether saddr 02:00:00:00:00:01 ether type vlan drop",
        "vlan id 5 vlan.inner id 6-9 vlan pcp 3 pass",
        "arp operation request arp saddr ip 10.0.0.1 pass",
        "tcp option mss size < 500 drop",
        "tcp option sack-permitted missing tcp option sack1 left 5 drop",
        "ip option ra value 0 ip option lsrr exists drop",
        "exthdr frag exists exthdr hbh nexthdr 6 frag id 1 drop",
        "meta length & 1 == 1 meta l4proto { tcp, udp } iifname \"eth0\" drop",
        "iifname eth* iif 3 meta cpu 2 cpu 5 time \"2026-01-01 10:00:00\" hour 10:00-12:00 pass",
        "tcp dport ssh - http drop",
        "ip saddr $low - $high drop",
        "tcp dport 22-$high drop",
        "meta malformed drop",
        "meta malformed 1 meta vlan exists drop",
        "@th,16,32 0x1f @ih,0,8 & 0xf0 == 0x10 drop",
        "saddr $office daddr @blocklist drop",
        "tcp flags & (syn | ack) == syn pass",
        "tcp flags syn,ack / fin,syn,rst,ack pass",
        "tcp flags syn | ack & 3 ^ (1 << 2) >> 1 pass",
        "tcp flags (syn,ack) drop",
        "tcp flags ! (syn | ack) drop",
        "tcp flags { syn, (syn | ack), (syn,ack), syn / (syn,ack) } drop",
        "ip protocol tcp or udp pass",
        "ip saddr . tcp dport @pairs drop",
        "ip saddr . tcp dport { 10.0.0.0/8 . 22, 10.0.0.1 . 80-90 comment \"x\" } drop",
        "tcp dport vmap { 22 : jump ssh, 80: pass, 443:drop }",
        "ip saddr . tcp dport vmap @verdicts",
        "( tcp dport 22 or udp dport 53 ip saddr 10.0.0.1 ) pass",
        "not ( tcp dport 22 or not ( ip ttl 1 or ( ip ttl 2 ) ) ) pass",
        "tcp dport ge 1024 tcp sport le 5 udp length ne 8 pass",
        "counter packets 1 bytes 2 nocount comment \"why\"",
        "ip ttl set ip ttl - 1 ip dscp set cs1 tcp flags set syn | ack ether type set ip pass",
        "ip saddr set @nh,0,32 + 5 ^ 0xff << 2 >> $n ip daddr set meta length or 3",
        "vlan push id 7 pcp $p type 8021ad vlan pop reflect",
        "reply echo",
        "reject with tcp reset",
        "reject with icmpx type port-unreachable",
        "reject",
        "jump a",
        "goto b",
        "return",
        "continue",
        "abort",
        "tx",
        "limit rate over 200/second burst 400 per ip saddr size 65536 on full drop pass",
        "limit rate until 10 kbytes/minute burst 5 mbytes per ip6 saddr & ffff:ffff:ffff:ffff:: . tcp dport "
        "size 7 on full accept drop",
        "limit rate 1/week burst 3 packets limit name \"l\" limit name l pass",
        "quota over 5 mbytes drop",
        "quota until 10 kbytes used 3 bytes quota name q quota name \"q\" pass",
        "counter name \"c\" counter name c counter packets 2 bytes 3 drop",
        "counter name tcp dport map { 22 : \"ssh\", 80 : web } limit name saddr . tcp dport map @m drop",
        "quota name ip saddr & 255.0.0.0 map { 10.0.0.0 : \"q\", * : \"r\" } pass",
        "ether daddr set daddr map $via pass",
        "log prefix \"x\" level info drop",
        "log \"y\" every 1m30s group 2 snaplen 100 queue-threshold 10 log drop",
        "log flags all log flags tcp sequence,options flags ip options flags ether flags skuid tcp dport 22 "
        "drop",
        "sample 1/100 snap 64",
        "sample 1/7 log every 5s pass",
        "ip ttl set 9 tcp dport set 80 pass",
        "vlan push id 5 pcp 1 type 8021ad tx",
        "vlan pop tx",
        "encap ipip from 10.0.0.1 to 10.0.0.2",
        "decap 6in4 pass",
        "ip protocol 41 decap 4in6 ip ttl 9 route",
        "route table 7",
        "redirect to cpu { 1, 2 } by hash",
        "ip ttl set ip saddr . tcp dport map { 10.0.0.1 . 80 : 5, * : 6 } redirect to \"eth0.5\"",
        "tcp dport set ip saddr map @ports iifname vmap { a : redirect to b, b : redirect to a, * : drop }",
        "reject with tcp reset",
        "add @seen { ip saddr timeout 5s } drop",
        "update @pairs { ip saddr . tcp dport } delete @seen { ip saddr & 255.255.255.0 } pass",
        "dnat to 10.0.0.5:80 snat to [2001:db8::5]:53 pass",
        "dnat to 10.0.0.0/8 snat to :8080 dnat to $server snat to fd00::/64 dnat to 10.0.0.1-10.0.0.9",
        "ct state established,related accept",
        "fib saddr oif missing drop",
        "pcap \"udp port 53\" drop",
        "vxlan inner ip saddr 10.0.0.1 drop",
        "sip_method(packet) == 2 drop",
        "tcp dport { 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, "
        "1014, "
        "1015, 1016, 1017, 1018, 1019, 1020, 1021 } drop",
        "long: tcp dport vmap { 1000 : jump some_long_chain, 1001 : jump some_long_chain, 1002 : jump "
        "some_long_chain, 1003 : drop }",
    };
    return rules;
}

inline const std::vector<std::string>& step_corpus() {
    static const std::vector<std::string> steps = {
        "send ip saddr 198.51.100.9 / tcp dport 22 flags syn",
        "send ether saddr 02:00:00:00:00:05/vlan id 5/ip saddr 10.0.0.1/tcp flags syn|ack x5 on eth0 at +5s",
        "send tcp option mss size 1400 option sack-perm option timestamp tsval 1 / payload \"GET /\"",
        "send ip6 saddr ::1 / exthdr frag id 7 / hbh / gre version 0 / payload 20 bytes / truncate 40",
        "send raw 0x0102 x2 on \"br-lan\"",
        "send pcap \"a.pcap\"",
        "expect pass 10 by ssh, drop by policy to eth1",
        "expect drop by \"edge.xdp:12\"",
        "expect redirect 2 by fwd to \"eth-1\" with { ip ttl 63 }, redirect, drop",
        "expect counter ssh 5 bytes 300",
        "expect bytes 0x0102",
        "expect pass with { ip ttl 63; ip id 5 }",
        "expect tx 3 by pong with {\n icmp type echo-reply # a\n not ( ip ttl 3 ) meta vlan missing\n}, drop",
        "expect element @s { 10.0.0.1 packets 3 expires 10s, 10.0.0.0/8 }",
        "expect no element @pairs { 10.0.0.1 . 22, 10.0.0.2 . 80-90 }",
        "expect log 10",
        "advance 10s",
    };
    return steps;
}

inline const std::vector<std::string>& item_corpus() {
    static const std::vector<std::string> items = {
        "include \"bogons.xdp\"",
        "define office = { 198.51.100.0/24, 2001:db8:1::/48, $other }",
        "define web = 80, 443",
        "options counters off",
        "options {\n counters off # why\n seed 5\n}",
        "set s { type ipv4_addr . inet_service; flags interval, timeout; size 5; timeout 1h\n gc-interval "
        "5s\n"
        "counter; auto-merge\n elements = { 10.0.0.1 . 22 timeout 5s comment \"x\", 10.0.0.2 . 23 } file "
        "\"f\" }",
        "set t { typeof ip saddr . tcp option maxseg size }",
        "map m {\n# what it is\n type inet_service : verdict # trailing\n\n elements = { # first\n 22 : jump "
        "ssh, # ssh\n"
        "\n # before\n 80 : drop\n # last\n } }",
        "table netdev filter {\n chain x { type filter hook ingress device \"eth0\" priority 0; policy "
        "accept;\n\n drop\n"
        " }\n}",
        "limit a { rate over 10/second burst 5 packets; comment \"why\" }",
        "limit b {\n # first\n rate 5 mbytes/hour # it\n comment \"x\"\n}",
        "quota q { over 500 mbytes used 10 mbytes }",
        "quota r { comment \"c\"\n 5 bytes; }",
        "counter c { packets 5 bytes 100 }",
        "counter d { }",
        "counter e { # why\n comment \"z\"\n}",
        "service www {\n    vip 203.0.113.10 tcp 443   # here\n    backend 10.0.0.11\n}",
        "extern \"a.bpf.c\"",
        "assert never pass where tcp dport 22 ip saddr != $office",
        "chain y { # entry\n # first\n drop # d\n\n\n # second\n pass; return # r\n # end\n}",
        "chain z {\n ( tcp dport 22 # a\n or # b\n udp dport { 53, # c\n 54 } ) \\\n drop\n}",
    };
    return items;
}

inline std::string whole_policy() {
    std::string out = "# all of it\n";
    for (const std::string& item : item_corpus()) {
        out += item + "\n\n";
    }
    out += "chain ingress {\n    policy drop\n\n";
    for (const std::string& rule : rule_corpus()) {
        out += "    " + rule + "\n";
    }
    out += "}\ntest \"all\" {\n";
    for (const std::string& step : step_corpus()) {
        out += "    " + step + "\n";
    }
    return out + "}\n";
}

} // namespace xdpc::parse_test
