// The layers of a `send` as a packet's recipe.
#include "compiler/packet/build.h"
#include "compiler/policy/check_context.h"
#include "compiler/policy/scalars.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

constexpr size_t longest_frame = 16'000; // what a test run of the kernel takes

std::vector<std::string> layer_names() {
    std::vector<std::string> names = {"payload", "raw", "truncate"};
    for (const HeaderInfo& header : all_headers()) {
        if (header.layer != Layer::Option) {
            names.emplace_back(header.keyword);
        }
    }
    return names;
}

/// The option of `header` that a field's name begins with, and the rest of the name: "option maxseg size".
std::optional<std::pair<HeaderId, std::string>> find_option(HeaderId header, const std::string& name) {
    const auto& headers = all_headers();
    for (size_t i = 0; i < headers.size(); ++i) {
        if (headers[i].layer != Layer::Option || headers[i].parent != header) {
            continue;
        }
        const std::string keyword =
            std::string(headers[i].keyword).substr(std::string_view(info(header).keyword).size() + 1);
        if (name == keyword || name.starts_with(keyword + " ")) {
            return std::pair(static_cast<HeaderId>(i),
                             name.substr(std::min(keyword.size() + 1, name.size())));
        }
    }
    return {};
}

void report_unknown_field(Context& context, HeaderId header, const ast::Name& name) {
    std::vector<std::string> names;
    for (const FieldInfo& field : all_fields()) {
        if (field.header == header) {
            names.emplace_back(field.name);
        }
    }
    const std::string near = did_you_mean(name.text, names);
    context.report(Diag::UnknownField, name.span, info(header).keyword, name.text)
        .with_hint(near.empty() ? fmt::format("`{}` has {}", info(header).keyword, fmt::join(names, ", "))
                                : near);
}

std::optional<u128> value_of(Context& context, const ast::Value& value, FieldId field) {
    const FieldInfo& row = info(field);
    const std::string name = name_of(KeySource{FieldKey{field}});
    const Slot slot{row.type, row.bit_width, name, false};
    std::vector<Interval> intervals;
    if (!read_slot(context, value, slot, intervals)) {
        return {};
    }
    if (intervals.size() != 1 || intervals[0].lo != intervals[0].hi) {
        context.report(Diag::NotOneValue, value.span, name);
        return {};
    }
    return intervals[0].lo;
}

bool read_field(Context& context, const ast::LayerField& item, packet::HeaderLayer& layer) {
    HeaderId header = layer.header;
    std::string name = item.name.text;
    if (const auto option = find_option(header, name)) {
        header = option->first;
        name = option->second;
        if (name.empty()) {
            layer.options.push_back(header);
            return true;
        }
    }
    if (header == HeaderId::Vlan && name == "cfi") {
        name = "dei";
    }
    const auto field = find_field(header, name);
    if (!field) {
        report_unknown_field(context, header,
                             header == layer.header ? item.name : ast::Name{name, item.name.span});
        return false;
    }
    if (!item.value) {
        context.report(Diag::MisplacedValue, item.name.span, "`" + item.name.text + "` without a value");
        return false;
    }
    const auto value = value_of(context, *item.value, *field);
    if (value) {
        layer.fields.push_back({*field, *value});
    }
    return value.has_value();
}

/// Second tags of a frame are `vlan.inner` to matches; a `send` may write `vlan` twice.
HeaderId settle_tag(HeaderId header, const packet::Recipe& recipe) {
    if (header != HeaderId::VlanInner) {
        return header;
    }
    const auto* before =
        recipe.layers.empty() ? nullptr : std::get_if<packet::HeaderLayer>(&recipe.layers.back());
    const bool behind_tag = before != nullptr && info(before->header).layer == Layer::Tag;
    return behind_tag ? HeaderId::VlanInner : header;
}

bool read_header(Context& context, const ast::SendLayer& item, packet::Recipe& recipe) {
    const auto header = resolve_header(item.keyword.text);
    const bool is_option = header && info(*header).layer == Layer::Option;
    if (!header) {
        context.report(Diag::UnknownLayer, item.keyword.span, item.keyword.text)
            .with_hint(did_you_mean(item.keyword.text, layer_names()));
        return false;
    }
    // `tcp option maxseg …` as a layer's name: the option is a field of its header's layer.
    const HeaderId layer_header = is_option ? info(*header).parent : *header;
    const std::string prefix =
        is_option ? item.keyword.text.substr(std::string_view(info(layer_header).keyword).size() + 1) + " "
                  : "";
    packet::HeaderLayer layer{settle_tag(layer_header, recipe), {}, {}};
    bool fine = true;
    for (ast::LayerField field : item.fields) {
        field.name.text = prefix + field.name.text;
        fine = read_field(context, field, layer) && fine;
    }
    recipe.layers.emplace_back(std::move(layer));
    return fine;
}

std::optional<std::vector<uint8_t>> payload_of(Context& context, const ast::SendLayer& item) {
    if (!item.value || std::holds_alternative<ast::ErrorValue>(item.value->node)) {
        if (!item.value) {
            context.report(Diag::MisplacedValue, item.span, "`" + item.keyword.text + "` without a value");
        }
        return {};
    }
    if (item.bytes_suffix) {
        const auto size = read_single(context, *item.value, {TypeId::Integer, 16, "payload", false});
        if (size && *size > longest_frame) {
            context.report(Diag::WrongBytes, item.value->span, static_cast<uint64_t>(*size),
                           fmt::format("a payload of at most {} bytes", longest_frame));
            return {};
        }
        return size ? std::optional(std::vector<uint8_t>(static_cast<size_t>(*size))) : std::nullopt;
    }
    if (const auto* text = std::get_if<ast::Quoted>(&item.value->node)) {
        return std::vector<uint8_t>(text->text.begin(), text->text.end());
    }
    const auto* word = std::get_if<ast::Word>(&item.value->node);
    auto bytes = word != nullptr ? read_hex(word->text) : std::nullopt;
    if (!bytes) {
        context.report(Diag::WrongBytes, item.value->span, shown(context, item.value->span),
                       "\"text\", 0x and two digits a byte, or `N bytes`");
    }
    return bytes;
}

bool read_layer(Context& context, const ast::SendLayer& item, packet::Recipe& recipe) {
    if (recipe.truncate) {
        context.report(Diag::LayerOrder, item.keyword.span, item.keyword.text, "behind `truncate`");
        return false;
    }
    const std::string& keyword = item.keyword.text;
    if (keyword == "truncate") {
        const auto size = item.value
                              ? read_single(context, *item.value, {TypeId::Integer, 16, "truncate", false})
                              : std::nullopt;
        recipe.truncate = static_cast<uint32_t>(size.value_or(0));
        if (!item.value) {
            context.report(Diag::MisplacedValue, item.span, "`" + keyword + "` without a value");
        }
        return size.has_value();
    }
    if (keyword == "payload" || keyword == "raw") {
        auto bytes = payload_of(context, item);
        recipe.raw = recipe.raw || (keyword == "raw" && recipe.layers.empty());
        recipe.layers.emplace_back(packet::PayloadLayer{bytes ? std::move(*bytes) : std::vector<uint8_t>{}});
        return bytes.has_value();
    }
    const bool after_payload =
        !recipe.layers.empty() && std::holds_alternative<packet::PayloadLayer>(recipe.layers.back());
    if (after_payload && !recipe.raw) {
        context.report(Diag::LayerOrder, item.keyword.span, keyword, "behind the payload");
        return false;
    }
    return read_header(context, item, recipe);
}

size_t size_of(const packet::Recipe& recipe) {
    size_t size = 0;
    for (const packet::LayerSpec& layer : recipe.layers) {
        const auto* payload = std::get_if<packet::PayloadLayer>(&layer);
        size += payload != nullptr ? payload->bytes.size() : 80;
    }
    return size;
}

} // namespace

std::optional<std::vector<uint8_t>> read_hex(std::string_view text) {
    if (!text.starts_with("0x") || text.size() % 2 != 0 || text.size() > 2 * longest_frame) {
        return {};
    }
    std::vector<uint8_t> bytes;
    for (size_t i = 2; i < text.size(); i += 2) {
        const auto byte = read_number("0x" + std::string(text.substr(i, 2)));
        if (!byte) {
            return {};
        }
        bytes.push_back(static_cast<uint8_t>(*byte));
    }
    return bytes;
}

std::optional<packet::Source> read_layers(Context& context, const ast::SendStep& step, Span span) {
    if (step.pcap) {
        auto frames = packet::read_pcap(beside(context, step.pcap->span, step.pcap->text));
        if (!frames) {
            context.report(Diag::UnreadableFile, step.pcap->span, frames.error().message);
            return {};
        }
        return packet::Source{std::move(*frames)};
    }
    packet::Recipe recipe;
    bool fine = !step.layers.empty();
    for (const ast::SendLayer& layer : step.layers) {
        fine = read_layer(context, layer, recipe) && fine;
    }
    if (fine && size_of(recipe) > longest_frame) {
        context.report(Diag::WrongBytes, span, "this packet",
                       fmt::format("at most {} bytes long", longest_frame));
        return {};
    }
    return fine ? std::optional(packet::Source{std::move(recipe)}) : std::nullopt;
}

} // namespace xdpc::checking
