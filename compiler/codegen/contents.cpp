// Puts the contents of tables into a finished object, of which LLVM has only seen place holders.
#include "compiler/artifact_elf.h"
#include "compiler/codegen/lowering.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// Tables share sections, and so maps, up to some bytes each: a program may have 64 maps.
constexpr uint64_t shared_bytes = uint64_t{2} << 20;
constexpr uint64_t place_holder_bytes = 8; // as many as the largest load

uint64_t aligned(uint64_t size) {
    return (size + 7) / 8 * 8;
}

std::string section_name(unsigned number) {
    return ".rodata.t" + std::to_string(number);
}

template<class T> void write_at(std::vector<uint8_t>& object, uint64_t offset, const T& value) {
    std::memcpy(object.data() + offset, &value, sizeof value);
}

uint64_t header_of(const Elf64_Ehdr& elf, uint64_t section) {
    return elf.e_shoff + section * sizeof(Elf64_Shdr);
}

/// Where the symbols of all tables are: behind each other, no longer a place holder apart.
Result<void> move_symbols(std::vector<uint8_t>& object, const Elf64_Ehdr& elf,
                          const std::vector<TableContents>& contents) {
    StringMap<const TableContents*> tables;
    for (const TableContents& table : contents) {
        tables[table.symbol] = &table;
    }
    const auto index = elf::section_index(object, ".symtab");
    if (!index) {
        return tl::unexpected(index.error());
    }
    const auto symbols = *elf::read_at<Elf64_Shdr>(object, header_of(elf, *index));
    const auto names =
        elf::contents(object, *elf::read_at<Elf64_Shdr>(object, header_of(elf, symbols.sh_link)));
    size_t moved = 0;
    for (uint64_t at = 0; at < symbols.sh_size; at += sizeof(Elf64_Sym)) {
        auto symbol = elf::read_at<Elf64_Sym>(object, symbols.sh_offset + at);
        if (!symbol || !names) {
            return fail("LLVM's object ends within its symbols");
        }
        const auto found = tables.find(elf::string_at(*names, symbol->st_name));
        if (found != tables.end()) {
            symbol->st_value = found->second->offset;
            symbol->st_size = found->second->bytes.size();
            write_at(object, symbols.sh_offset + at, *symbol);
            ++moved;
        }
    }
    return moved == contents.size() ? Result<void>{} : fail("LLVM left out a table");
}

} // namespace

GlobalVariable* add_contents(Lowering& l, std::vector<uint8_t> bytes) {
    TableContents table{"xdpc_table" + std::to_string(l.tables_made++), 1, 0, std::move(bytes)};
    if (!l.contents.empty()) {
        const TableContents& last = l.contents.back();
        const uint64_t end = aligned(last.offset + last.bytes.size());
        const bool fits = end + table.bytes.size() <= shared_bytes;
        table.section = fits ? last.section : last.section + 1;
        table.offset = fits ? end : 0;
    }
    auto* type = ArrayType::get(l.i8(), place_holder_bytes);
    // External, so that relocations name the symbol and not a place in the section.
    auto* global = new GlobalVariable(l.module, type, true, GlobalValue::ExternalLinkage,
                                      Constant::getNullValue(type), table.symbol);
    global->setExternallyInitialized(true); // no load is folded to the place holder's zero
    global->setSection(section_name(table.section));
    global->setAlignment(Align(8));
    l.contents.push_back(std::move(table));
    return global;
}

Result<void> place_contents(std::vector<uint8_t>& object, const std::vector<TableContents>& contents) {
    const auto elf = elf::read_at<Elf64_Ehdr>(object, 0);
    if (contents.empty() || !elf) {
        return {};
    }
    if (const auto moved = move_symbols(object, *elf, contents); !moved) {
        return moved;
    }
    uint64_t size = object.size();
    for (const TableContents& table : contents) {
        size += aligned(table.bytes.size()) + 8;
    }
    object.reserve(size);
    for (size_t i = 0; i < contents.size();) {
        const unsigned number = contents[i].section;
        const auto index = elf::section_index(object, section_name(number));
        if (!index) {
            return tl::unexpected(index.error());
        }
        auto section = *elf::read_at<Elf64_Shdr>(object, header_of(*elf, *index));
        section.sh_offset = aligned(object.size());
        for (; i < contents.size() && contents[i].section == number; ++i) {
            object.resize(section.sh_offset + contents[i].offset);
            object.insert(object.end(), contents[i].bytes.begin(), contents[i].bytes.end());
        }
        section.sh_size = object.size() - section.sh_offset;
        write_at(object, header_of(*elf, *index), section);
    }
    return {};
}

} // namespace xdpc::codegen
