// SPDX-License-Identifier: Apache-2.0

extension FrameScanner {
  /// Sets an optional to `blank` and has it filled where it lies: filled elsewhere and returned, a
  /// message would be moved at every level.
  @inline(__always)
  mutating func fill<Value>(
    _ optional: inout Value?, _ blank: Value,
    _ body: (inout FrameScanner, inout Value) -> Bool
  ) -> Bool {
    optional = blank
    // In place; it was set in the line before.
    return body(&self, &optional!)
  }

  /// `{"role": …, "parts": [{"text": …} or {"inlineData": …}, …]}` with one part or more.
  mutating func content(into content: inout Content) -> Bool {
    var hasRole = false
    return object { scanner, name in
      switch name {
      case "parts":
        guard content.parts.isEmpty else { return false }
        return scanner.list { scanner in
          // Nearly always there is one, and a literal is cheaper than growing.
          if content.parts.isEmpty {
            content.parts = [Part()]
          } else {
            content.parts.append(Part())
          }
          return scanner.part(into: &content.parts[content.parts.count - 1])
        }
      case "role":
        guard !hasRole, let role = scanner.string() else { return false }
        hasRole = true
        content.role = role
        return true
      default: return false
      }
    }
  }

  private mutating func part(into part: inout Part) -> Bool {
    var hasText = false
    var hasData = false
    return object { scanner, name in
      switch name {
      case "inlineData":
        guard !hasData else { return false }
        hasData = true
        return scanner.fill(&part.inlineData, Blob(mimeType: "", data: [])) { $0.blob(into: &$1) }
      case "text":
        guard !hasText, let text = scanner.string() else { return false }
        hasText = true
        part.text = text
        return true
      default: return false
      }
    }
  }

  /// `{"mimeType": …, "data": …}`, both or one of them, in any order.
  mutating func blob(into blob: inout Blob) -> Bool {
    var hasType = false
    var hasData = false
    return object { scanner, name in
      switch name {
      case "data":
        guard !hasData, let run = scanner.base64Run(), let data = Base64.decode(run) else {
          return false
        }
        hasData = true
        blob.data = data
        return true
      case "mimeType":
        guard !hasType, let mimeType = scanner.mimeType() else { return false }
        hasType = true
        blob.mimeType = mimeType
        return true
      default: return false
      }
    }
  }

  /// A media type. The common ones are constants, since a string this long would be allocated.
  private mutating func mimeType() -> String? {
    let start = index
    guard let run = plainString() else { return nil }
    let name = Name(bytes: run)
    if "audio/pcm;rate=24000" ~= name { return "audio/pcm;rate=24000" }
    if "audio/pcm;rate=16000" ~= name { return "audio/pcm;rate=16000" }
    index = start
    return string()
  }
}
