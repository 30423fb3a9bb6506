// SPDX-License-Identifier: Apache-2.0

extension Content {
  /// All text that is not a thought, joined; nil if there is none.
  public var answerText: String? {
    let texts = parts.lazy.filter { !$0.thought }.compactMap(\.text)
    return texts.isEmpty ? nil : texts.joined()
  }

  /// All inline media bytes, joined; nil if there are none.
  public var mediaBytes: [UInt8]? {
    let media = parts.lazy.compactMap { $0.inlineData?.data }
    return media.isEmpty ? nil : Array(media.joined())
  }

  /// A turn of one text.
  public init(role: String? = nil, text: String) {
    self.init(role: role, parts: [Part(text: text)])
  }
}
