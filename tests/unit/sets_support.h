// Live sets beside a model that is a list of elements: random elements of any shape, random keys near them,
// the same operations on both.
#pragma once

#include "compiler/base/value.h"
#include "runtime/sets/table.h"

#include <gtest/gtest.h>
#include <random>

namespace xdpc::sets {

struct Memory {
    explicit Memory(const Shape& shape) : lines(layout_of(shape).lines) {
        bytes = static_cast<std::byte*>(std::aligned_alloc(4096, (size() + 4095) / 4096 * 4096));
        std::fill_n(bytes, size(), std::byte{0});
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { std::free(bytes); }
    [[nodiscard]] size_t size() const { return static_cast<size_t>(lines) * XDPC_SET_LINE; }
    [[nodiscard]] std::span<std::byte> span() const { return {bytes, size()}; }
    uint32_t lines;
    std::byte* bytes;
};

using Words = std::vector<uint32_t>;

struct ModelElement {
    Words low, high;
    uint64_t expires = 0;
    uint32_t value = 0;
    uint64_t order = 0;
    std::string comment;
    bool from_file = false;
};

/// What STATE.md says a set means.
class Model {
public:
    explicit Model(Shape shape) : shape_(std::move(shape)) {}

    [[nodiscard]] u128 part(const Words& words, size_t index) const {
        size_t at = 0;
        for (size_t i = 0; i < index; i++) {
            at += (shape_.parts[i] + 31U) / 32;
        }
        u128 value = 0;
        for (size_t i = 0; i < (shape_.parts[index] + 31U) / 32; i++) {
            value = value << 32 | words[at + i];
        }
        return value;
    }
    [[nodiscard]] bool overlap(const ModelElement& e, const Words& low, const Words& high) const {
        for (size_t i = 0; i < shape_.parts.size(); i++) {
            if (part(e.low, i) > part(high, i) || part(e.high, i) < part(low, i)) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool has(const ModelElement& e, const Words& key) const { return overlap(e, key, key); }
    static bool alive(const ModelElement& e, uint64_t now) { return e.expires == 0 || now < e.expires; }

    ModelElement* same(const Words& low, const Words& high, uint64_t now) {
        for (ModelElement& e : elements) {
            if (alive(e, now) && e.low == low && e.high == high) {
                return &e;
            }
        }
        return nullptr;
    }
    const ModelElement* overlapping(const Words& low, const Words& high, uint64_t now) const {
        for (const ModelElement& e : elements) {
            if (alive(e, now) && overlap(e, low, high)) {
                return &e;
            }
        }
        return nullptr;
    }
    /// Who answers for a key: the narrowest, of equals the later.
    [[nodiscard]] const ModelElement* lookup(const Words& key, uint64_t now) const {
        const ModelElement* best = nullptr;
        for (const ModelElement& e : elements) {
            if (alive(e, now) && has(e, key) && (!best || before(e, *best))) {
                best = &e;
            }
        }
        return best;
    }
    [[nodiscard]] bool before(const ModelElement& a, const ModelElement& b) const {
        if (shape_.kind == Kind::Interval) {
            const u128 of_a = part(a.high, 0) - part(a.low, 0);
            const u128 of_b = part(b.high, 0) - part(b.low, 0);
            return of_a != of_b ? of_a < of_b : a.order > b.order;
        }
        const unsigned of_a = open_bits(a);
        const unsigned of_b = open_bits(b);
        return of_a != of_b ? of_a < of_b : a.order > b.order;
    }
    void sweep(uint64_t now) {
        std::erase_if(elements, [&](const ModelElement& e) { return !alive(e, now); });
    }

    std::vector<ModelElement> elements;
    uint64_t orders = 0;

private:
    [[nodiscard]] unsigned open_bits(const ModelElement& e) const {
        unsigned open = 0;
        for (size_t i = 0; i < shape_.parts.size(); i++) {
            for (u128 width = part(e.high, i) - part(e.low, i); width != 0; width >>= 1) {
                open++;
            }
        }
        return open;
    }
    Shape shape_;
};

/// Random elements that lie near each other, and keys near their ends.
class Random {
public:
    Random(const Shape& shape, uint64_t seed) : shape_(shape), engine_(seed) {}
    uint64_t draw(uint64_t bound) { return std::uniform_int_distribution<uint64_t>(0, bound - 1)(engine_); }
    u128 value(unsigned width) {
        const u128 any = u128{engine_()} << 64 | engine_();
        u128 value = any & max_of_width(width);
        switch (draw(8)) {
        case 0:
            return draw(2) ? max_of_width(width) - draw(3) : u128{draw(3)};
        case 1:
            return value & max_of_width(std::min(width, 8U)); // few values, small
        case 2:                                               // few in the middle of it, one half fixed
            return width > 64 ? (u128{0x20010db8} << (width - 32)) | (value & 0xff)
                              : value & max_of_width(width > 6 ? 6 : width);
        case 3:
            return width > 12 ? (value & 0xf) << (width - 8) : value;
        default:
            return width > 16 ? (value & (u128{0xfff} << (width - 14))) | draw(4) : value;
        }
    }
    void put(Words& words, u128 value, unsigned width) {
        for (unsigned i = (width + 31) / 32; i-- > 0;) {
            words.push_back(static_cast<uint32_t>(value >> (32 * i)));
        }
    }
    std::pair<Words, Words> element() {
        Words low;
        Words high;
        for (const uint16_t width : shape_.parts) {
            u128 a = value(width);
            u128 b = a;
            if (shape_.kind != Kind::Hash) {
                switch (draw(6)) {
                case 0:
                    break;
                case 1:
                    b = std::max(a, value(width));
                    break;
                case 2:
                    b = a + std::min<u128>(max_of_width(width) - a, draw(40));
                    break;
                default: {
                    const unsigned open =
                        static_cast<unsigned>(draw(draw(40) == 0 ? width + 1U : width / 2U + 1));
                    const u128 rest = open == 0 ? u128{0} : max_of_width(open);
                    a &= ~rest;
                    b = a | rest;
                }
                }
            }
            put(low, a, width);
            put(high, b, width);
        }
        return {low, high};
    }
    Words key() {
        Words key;
        for (const uint16_t width : shape_.parts) {
            put(key, value(width), width);
        }
        return key;
    }
    /// A key at or just beside an end of an element, part by part.
    Words near(const ModelElement& e, const Model& model) {
        Words key;
        for (size_t i = 0; i < shape_.parts.size(); i++) {
            u128 value = model.part(draw(2) ? e.low : e.high, i);
            if (draw(shape_.parts.size() + 1) == 0) {
                value = (value + draw(3) - 1) & max_of_width(shape_.parts[i]);
            }
            put(key, value, shape_.parts[i]);
        }
        return key;
    }

private:
    Shape shape_;
    std::mt19937_64 engine_;
};

} // namespace xdpc::sets
