// SPDX-License-Identifier: Apache-2.0

// How many bytes wire forms take, roughly: a guess that is too low costs a second run of the writer.
// Mutating only so that the parts are looked at in place; nothing changes.

extension Blob {
  mutating func expectedSize() -> Int {
    48 + mimeType.utf8.count + Base64.encodedCount(data.count)
  }
}

extension Content {
  mutating func expectedSize() -> Int {
    var size = 64
    for index in parts.indices {
      size += 32 + (parts[index].text?.utf8.count ?? 0)
      // Base64 takes four thirds; names and the media type fit in the rest.
      if let count = parts[index].inlineData?.data.count { size += 80 + count / 3 * 4 }
    }
    return size
  }
}
