#include "compiler/fields/fields.h"

#include <gtest/gtest.h>
#include <set>

namespace xdpc {
namespace {

TEST(Symbols, EveryRowIsFoundByItsNameAndFitsItsType) {
    std::set<std::pair<TypeId, std::string>> seen;
    for (const Symbol& symbol : all_symbols()) {
        EXPECT_TRUE(seen.insert({symbol.type, symbol.name}).second) << symbol.name;
        EXPECT_EQ(find_symbol(symbol.type, symbol.name), symbol.value) << symbol.name;
        EXPECT_LE(symbol.value, max_of_width(width_of(symbol.type))) << symbol.name;
        EXPECT_TRUE(symbol_of(symbol.type, symbol.value).has_value());
    }
    EXPECT_GT(seen.size(), 400U);
}

TEST(Symbols, NamesOfNft) {
    EXPECT_EQ(find_symbol(TypeId::InetProto, "ipv6-icmp"), 58U);
    EXPECT_EQ(find_symbol(TypeId::InetService, "domain"), 53U);
    EXPECT_EQ(find_symbol(TypeId::InetService, "echo-request"), std::nullopt);
    EXPECT_EQ(find_symbol(TypeId::IcmpType, "echo-request"), 8U);
    EXPECT_EQ(find_symbol(TypeId::Icmpv6Type, "echo-request"), 128U);
    EXPECT_EQ(find_symbol(TypeId::Integer, "ssh"), std::nullopt);
    EXPECT_EQ(symbol_of(TypeId::InetProto, 58), "icmpv6");
    EXPECT_EQ(symbol_of(TypeId::EtherType, 0x8100), "vlan");
    EXPECT_EQ(symbol_of(TypeId::InetService, 1), "tcpmux");
    EXPECT_EQ(symbol_of(TypeId::InetService, 64999), std::nullopt);
}

TEST(Symbols, DaysInAnyCaseAndShort) {
    EXPECT_EQ(find_symbol(TypeId::Day, "Sunday"), 0U);
    EXPECT_EQ(find_symbol(TypeId::Day, "tue"), 2U);
    EXPECT_EQ(find_symbol(TypeId::Day, "SATURDAY"), 6U);
    EXPECT_EQ(find_symbol(TypeId::Day, "Sa"), std::nullopt);
    EXPECT_EQ(find_symbol(TypeId::Day, "Sundays"), std::nullopt);
}

TEST(Types, NamesAndWidths) {
    EXPECT_EQ(find_type("ipv4_addr"), TypeId::Ipv4Addr);
    EXPECT_EQ(find_type("ipv5_addr"), std::nullopt);
    EXPECT_EQ(name_of(TypeId::InetService), "inet_service");
    EXPECT_EQ(width_of(TypeId::Ipv6Addr), 128);
    for (const FieldInfo& field : all_fields()) {
        EXPECT_TRUE(width_of(field.type) == 0 || width_of(field.type) == field.bit_width)
            << field.id << ": " << name_of(field.type);
    }
    for (const MetaInfo& meta : all_metas()) {
        EXPECT_TRUE(width_of(meta.type) == 0 || width_of(meta.type) == meta.bit_width) << meta.id;
    }
}

TEST(Types, ValuesAsPoliciesWriteThem) {
    EXPECT_EQ(format_value(TypeId::Ipv4Addr, 0x0a000001), "10.0.0.1");
    EXPECT_EQ(format_value(TypeId::Ipv6Addr, u128{0x20010db8} << 96 | 1), "2001:db8::1");
    EXPECT_EQ(format_value(TypeId::EtherAddr, 0x020000000001), "02:00:00:00:00:01");
    EXPECT_EQ(format_value(TypeId::InetService, 22), "ssh");
    EXPECT_EQ(format_value(TypeId::InetService, 64999), "64999");
    EXPECT_EQ(format_value(TypeId::TcpFlag, 0x12), "syn|ack");
    EXPECT_EQ(format_value(TypeId::TcpFlag, 0), "0x0");
    EXPECT_EQ(format_value(TypeId::EtherType, 0x1234), "0x1234");
    EXPECT_EQ(format_value(TypeId::Integer, 64), "64");
    EXPECT_EQ(format_value(TypeId::Integer, u128{1} << 64), "0x10000000000000000");
    EXPECT_EQ(format_value(TypeId::IfaceName, u128{0x65746830} << 96), "\"eth0\"");
    EXPECT_EQ(format_value(TypeId::Hour, 12 * 3600 + 30), "\"12:00:30\"");
    EXPECT_EQ(format_value(TypeId::Time, u128{1767225600} * 1'000'000'000), "\"2026-01-01 00:00:00\"");
    EXPECT_EQ(format_value(TypeId::Day, 4), "Thursday");
}

TEST(Types, IntervalsAsPoliciesWriteThem) {
    EXPECT_EQ(format_interval(TypeId::Ipv4Addr, {0x0a000000, 0x0affffff}, 32), "10.0.0.0/8");
    EXPECT_EQ(format_interval(TypeId::Ipv4Addr, {0x0a000001, 0x0a000002}, 32), "10.0.0.1-10.0.0.2");
    EXPECT_EQ(format_interval(TypeId::Ipv6Addr, {0, ~u128{0}}, 128), "::/0");
    EXPECT_EQ(format_interval(TypeId::InetService, {22, 22}, 16), "ssh");
    EXPECT_EQ(format_interval(TypeId::InetService, {80, 90}, 16), "80-90");
    EXPECT_EQ(format_interval(TypeId::IfaceName, {u128{0x657468} << 104, (u128{0x657469} << 104) - 1}, 128),
              "\"eth*\"");
}

} // namespace
} // namespace xdpc
