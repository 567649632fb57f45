#include "compiler/packet/pcapng.h"

namespace xdpc::packet {

namespace {

enum BlockType : uint32_t {
    SectionHeader = 0x0A0D0D0A,
    InterfaceDescription = 1,
    InterfaceStatistics = 5,
    EnhancedPacket = 6
};
enum Option : uint16_t {
    EndOfOptions = 0,
    Comment = 1,
    SectionUserApplication = 4,
    InterfaceName = 2,
    InterfaceTimeResolution = 9,
    PacketQueue = 6,
    PacketVerdict = 7,
    StatisticsSystemDrops = 7,
    StatisticsDelivered = 8,
};

constexpr uint16_t link_type_ethernet = 1;
constexpr uint8_t nanoseconds = 9;    // a power of ten, negated
constexpr uint8_t verdict_of_xdp = 2; // followed by what the program returned, 64 bits

template<class T> void put(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void pad(std::string& to) {
    to.append((4 - to.size() % 4) % 4, '\0');
}

void put_option(std::string& to, Option option, std::string_view value) {
    value = value.substr(0, UINT16_MAX);
    put<uint16_t>(to, option);
    put<uint16_t>(to, static_cast<uint16_t>(value.size()));
    to += value;
    pad(to);
}

template<class T> std::string bytes_of(T value) {
    std::string bytes;
    put(bytes, value);
    return bytes;
}

/// Timestamps are two halves, the high one first.
void put_time(std::string& to, uint64_t wall_ns) {
    put<uint32_t>(to, static_cast<uint32_t>(wall_ns >> 32));
    put<uint32_t>(to, static_cast<uint32_t>(wall_ns));
}

/// The body, which ends with its options, between its type and its length.
std::string block(BlockType type, std::string body) {
    put<uint32_t>(body, EndOfOptions);
    const auto size = static_cast<uint32_t>(body.size() + 12);
    std::string bytes;
    put<uint32_t>(bytes, type);
    put<uint32_t>(bytes, size);
    bytes += body;
    put<uint32_t>(bytes, size);
    return bytes;
}

} // namespace

std::string pcapng_begin(const std::string& writer, const std::string& iface, uint32_t snap) {
    std::string section;
    put<uint32_t>(section, 0x1A2B3C4D); // tells the order of bytes
    put<uint16_t>(section, 1);
    put<uint16_t>(section, 0);
    put<uint64_t>(section, UINT64_MAX); // its length is not known
    put_option(section, SectionUserApplication, writer);
    std::string description;
    put<uint16_t>(description, link_type_ethernet);
    put<uint16_t>(description, 0);
    put<uint32_t>(description, snap);
    put_option(description, InterfaceName, iface);
    put_option(description, InterfaceTimeResolution, bytes_of(nanoseconds));
    return block(SectionHeader, std::move(section)) + block(InterfaceDescription, std::move(description));
}

std::string pcapng_frame(const CapturedFrame& frame) {
    std::string body;
    put<uint32_t>(body, 0); // interface
    put_time(body, frame.wall_ns);
    put<uint32_t>(body, static_cast<uint32_t>(frame.bytes.size()));
    put<uint32_t>(body, frame.length);
    body.append(reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size());
    pad(body);
    put_option(body, Comment, frame.comment);
    put_option(body, PacketQueue, bytes_of(frame.queue));
    put_option(body, PacketVerdict, bytes_of(verdict_of_xdp) + bytes_of(uint64_t{frame.action}));
    return block(EnhancedPacket, std::move(body));
}

std::string pcapng_end(uint64_t wall_ns, uint64_t seen, uint64_t lost) {
    std::string body;
    put<uint32_t>(body, 0); // interface
    put_time(body, wall_ns);
    put_option(body, StatisticsSystemDrops, bytes_of(lost));
    put_option(body, StatisticsDelivered, bytes_of(seen));
    return block(InterfaceStatistics, std::move(body));
}

} // namespace xdpc::packet
