#include "compiler/digest.h"

#include "compiler/base/bytes.h"

#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/evp.h>

namespace xdpc {

std::string digest_of(const Sources& sources) {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    int good = context ? EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) : 0;
    for (uint32_t i = 0; i < sources.size() && good == 1; ++i) {
        const std::string& text = sources.get(FileId{i}).text;
        const std::string length = fmt::format("{}\n", text.size());
        good = EVP_DigestUpdate(context.get(), length.data(), length.size());
        good = good == 1 ? EVP_DigestUpdate(context.get(), text.data(), text.size()) : good;
    }
    std::array<uint8_t, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (good != 1 || EVP_DigestFinal_ex(context.get(), bytes.data(), &size) != 1) {
        return {}; // no digest: taken as changed
    }
    return hex_text({bytes.data(), size});
}

} // namespace xdpc
