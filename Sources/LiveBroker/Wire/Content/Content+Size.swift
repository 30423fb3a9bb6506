// SPDX-License-Identifier: Apache-2.0

extension Blob {
  /// About how many bytes the wire form takes; only saves growing the buffer.
  var encodedSizeHint: Int { 48 + mimeType.utf8.count + Base64.encodedCount(data.count) }
}

extension Content {
  /// About how many bytes the wire form takes; only saves growing the buffer.
  var encodedSizeHint: Int {
    parts.reduce(64) { sum, part in
      sum + 16 + (part.text?.utf8.count ?? 0) + (part.inlineData?.encodedSizeHint ?? 0)
    }
  }
}
