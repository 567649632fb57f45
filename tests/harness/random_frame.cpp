#include "tests/harness/random_frame.h"

namespace xdpc::test {

namespace {

using Bytes = std::vector<uint8_t>;

void append(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
}
Bytes noise(Rng& rng, size_t count) {
    Bytes bytes;
    for (size_t i = 0; i < count; ++i) {
        bytes.push_back(static_cast<uint8_t>(chance(rng, 50) ? below(rng, 4) : rng()));
    }
    return bytes;
}
uint16_t port(Rng& rng) {
    return pick<uint16_t>(rng, {22, 53, 80, 443, 1024, 8080, 40000});
}

/// Options of TCP or IPv4, padded to words; `kinds` are those that have a length.
Bytes options(Rng& rng, const std::vector<std::pair<uint8_t, uint8_t>>& kinds) {
    Bytes bytes;
    for (uint64_t i = below(rng, 4); i-- > 0 && bytes.size() < 28;) {
        if (chance(rng, 25)) {
            bytes.push_back(1);
            continue;
        }
        const auto [kind, length] = pick(rng, kinds);
        bytes.push_back(kind);
        bytes.push_back(chance(rng, 95) ? length : static_cast<uint8_t>(below(rng, 64)));
        append(bytes, noise(rng, length - size_t{2}));
    }
    while (bytes.size() % 4 != 0) {
        bytes.push_back(chance(rng, 80) ? 0 : 1);
    }
    return bytes;
}

Bytes tcp(Rng& rng) {
    const Bytes opts = chance(rng, 50) ? options(rng, {{2, 4}, {3, 3}, {4, 2}, {5, 10}, {8, 10}}) : Bytes{};
    Bytes bytes;
    put(bytes, port(rng), 2);
    put(bytes, port(rng), 2);
    put(bytes, below(rng, 3), 4);
    put(bytes, below(rng, 3), 4);
    const uint64_t words = chance(rng, 95) ? 5 + opts.size() / 4 : below(rng, 16);
    put(bytes, words << 4, 1);
    put(bytes, pick<uint8_t>(rng, {0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x29, 0}), 1);
    put(bytes, below(rng, 3) * 1024, 2);
    put(bytes, 0, 4);
    append(bytes, opts);
    return bytes;
}

Bytes transport(Rng& rng, uint8_t protocol) {
    Bytes bytes;
    switch (protocol) {
    case 6:
        bytes = tcp(rng);
        break;
    case 17:
    case 136:
        put(bytes, port(rng), 2);
        put(bytes, port(rng), 2);
        put(bytes, 16, 2);
        put(bytes, 0, 2);
        break;
    case 33:
        put(bytes, port(rng), 2);
        put(bytes, port(rng), 2);
        put(bytes, 3 + below(rng, 2), 1);
        append(bytes, noise(rng, 7));
        break;
    case 132:
        put(bytes, port(rng), 2);
        put(bytes, port(rng), 2);
        append(bytes, noise(rng, 8));
        break;
    default: // ICMP, IGMP, ESP and others: type and code first
        put(bytes, pick<uint8_t>(rng, {0, 3, 8, 128, 129, 135}), 1);
        put(bytes, below(rng, 3), 1);
        append(bytes, noise(rng, 10));
    }
    append(bytes, noise(rng, below(rng, 24)));
    return bytes;
}

/// AH or an extension header of that number in front of `rest`.
Bytes extension(Rng& rng, uint8_t number, uint8_t next) {
    Bytes bytes{next};
    if (number == 44) {
        bytes.push_back(0);
        put(bytes, pick<uint16_t>(rng, {0, 1, 8, 9}), 2);
        put(bytes, below(rng, 3), 4);
        return bytes;
    }
    const uint64_t words = below(rng, 2);
    bytes.push_back(static_cast<uint8_t>(number == 51 ? words + 4 : words));
    append(bytes, noise(rng, number == 51 ? (words + 6) * 4 - 2 : (words + 1) * 8 - 2));
    return bytes;
}

uint8_t protocol(Rng& rng, bool v6) {
    static const std::vector<uint8_t> common{6, 6, 6, 17, 17, 136, 132, 33, 50, 108, 47};
    if (chance(rng, 15)) {
        return v6 ? 58 : pick<uint8_t>(rng, {1, 1, 2});
    }
    return chance(rng, 3) ? static_cast<uint8_t>(rng()) : pick(rng, common);
}

Bytes ipv4(Rng& rng) {
    uint8_t number = protocol(rng, false);
    Bytes rest = transport(rng, number);
    if (chance(rng, 10)) {
        Bytes ah = extension(rng, 51, number);
        append(ah, rest);
        rest = std::move(ah);
        number = 51;
    }
    const Bytes opts = chance(rng, 20) ? options(rng, {{7, 7}, {131, 7}, {137, 7}, {148, 4}}) : Bytes{};
    Bytes bytes;
    put(bytes, (chance(rng, 98) ? 0x40 : 0x60) | (chance(rng, 97) ? 5 + opts.size() / 4 : below(rng, 16)), 1);
    put(bytes, pick<uint8_t>(rng, {0, 0, 0xb8, 0x28, 3}), 1);
    const uint64_t length = 20 + opts.size() + rest.size();
    put(bytes, chance(rng, 95) ? length : below(rng, length + 8), 2);
    put(bytes, below(rng, 3), 2);
    put(bytes, chance(rng, 80) ? 0x4000 : pick<uint16_t>(rng, {0, 0x2000, 0x2001, 0x0001, 0x8000}), 2);
    put(bytes, pick<uint8_t>(rng, {1, 64, 64, 255}), 1);
    put(bytes, number, 1);
    put(bytes, 0, 2);
    put(bytes, 0xc0000200 + below(rng, 5), 4);
    put(bytes, chance(rng, 70) ? 0xc6336400 + below(rng, 5) : 0x0a000001, 4);
    append(bytes, opts);
    append(bytes, rest);
    return bytes;
}

Bytes ipv6(Rng& rng) {
    uint8_t number = protocol(rng, true);
    Bytes rest = transport(rng, number);
    for (uint64_t i = chance(rng, 40) ? below(rng, chance(rng, 10) ? 15 : 4) : 0; i-- > 0;) {
        const uint8_t before = pick<uint8_t>(rng, {0, 43, 44, 60, 135, 51});
        Bytes header = extension(rng, before, number);
        append(header, rest);
        rest = std::move(header);
        number = before;
    }
    Bytes bytes;
    put(bytes, (chance(rng, 98) ? 0x60000000U : 0x40000000U) | below(rng, 3) << 20 | below(rng, 3), 4);
    put(bytes, chance(rng, 95) ? rest.size() : below(rng, rest.size() + 8), 2);
    put(bytes, number, 1);
    put(bytes, pick<uint8_t>(rng, {1, 64, 255}), 1);
    put(bytes, 0x20010db8ULL << 32, 8);
    put(bytes, below(rng, 4), 8);
    put(bytes, 0x20010db8ULL << 32 | 1, 8);
    put(bytes, below(rng, 4), 8);
    append(bytes, rest);
    return bytes;
}

Bytes arp(Rng& rng) {
    Bytes bytes;
    put(bytes, 1, 2);
    put(bytes, 0x0800, 2);
    put(bytes, 0x0604, 2);
    put(bytes, 1 + below(rng, 2), 2);
    put(bytes, 0x020000000001, 6);
    put(bytes, 0xc0000200 + below(rng, 4), 4);
    put(bytes, 0, 6);
    put(bytes, 0xc0000200 + below(rng, 4), 4);
    return bytes;
}

} // namespace

std::vector<uint8_t> random_frame(Rng& rng, size_t least) {
    Bytes frame;
    put(frame, 0x020000000000 + below(rng, 3), 6);
    put(frame, 0x020000000000 + below(rng, 3), 6);
    for (uint64_t tags = chance(rng, 30) ? 1 + below(rng, 3) : 0; tags-- > 0;) {
        put(frame, pick<uint16_t>(rng, {0x8100, 0x88a8, 0x9100}), 2);
        put(frame, below(rng, 3) << 13 | below(rng, 2) << 12 | below(rng, 4), 2);
    }
    const uint64_t kind = below(rng, 20);
    if (kind < 11) {
        put(frame, 0x0800, 2);
        append(frame, ipv4(rng));
    } else if (kind < 18) {
        put(frame, 0x86dd, 2);
        append(frame, ipv6(rng));
    } else if (kind < 19) {
        put(frame, 0x0806, 2);
        append(frame, arp(rng));
    } else {
        put(frame, below(rng, 0x10000), 2);
        append(frame, noise(rng, below(rng, 40)));
    }
    if (chance(rng, 12)) {
        frame.resize(below(rng, frame.size() + 1));
    } else if (chance(rng, 20) && frame.size() < 60) {
        frame.resize(60);
    }
    if (chance(rng, 10) && !frame.empty()) {
        frame[below(rng, frame.size())] = static_cast<uint8_t>(rng());
    }
    if (frame.size() < least) {
        frame.resize(least);
    }
    return frame;
}

std::vector<std::vector<uint8_t>> random_frames(Rng& rng, size_t count, size_t least) {
    std::vector<std::vector<uint8_t>> frames;
    for (size_t i = 0; i < count; ++i) {
        frames.push_back(random_frame(rng, least));
    }
    return frames;
}

} // namespace xdpc::test
