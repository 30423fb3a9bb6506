// SPDX-License-Identifier: Apache-2.0

extension FrameScanner {
  /// Reads the frames that a client sends all the time: realtime input, and text as client content.
  static func clientMessage(_ bytes: UnsafeRawBufferPointer) -> ClientMessage? {
    var scanner = FrameScanner(bytes)
    var message: ClientMessage?
    let isComplete = scanner.object { scanner, name in
      guard message == nil else { return false }
      switch name {
      case "realtimeInput":
        var input = RealtimeInput()
        guard scanner.realtimeInput(into: &input) else { return false }
        message = .realtimeInput(input)
        return true
      case "clientContent":
        var content = ClientContent()
        guard scanner.clientContent(into: &content) else { return false }
        message = .clientContent(content)
        return true
      default: return false
      }
    }
    return isComplete && scanner.isAtEnd() ? message : nil
  }

  private mutating func realtimeInput(into input: inout RealtimeInput) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "audio":
        return seen.insert(1)
          && scanner.fill(&input.audio, Blob(mimeType: "", data: [])) { $0.blob(into: &$1) }
      case "video":
        return seen.insert(2)
          && scanner.fill(&input.video, Blob(mimeType: "", data: [])) { $0.blob(into: &$1) }
      case "text":
        guard seen.insert(4), let text = scanner.string() else { return false }
        input.text = text
        return true
      case "activityStart":
        input.activityStart = true
        return seen.insert(8) && scanner.emptyObject()
      case "activityEnd":
        input.activityEnd = true
        return seen.insert(16) && scanner.emptyObject()
      case "audioStreamEnd":
        var hasEnded = false
        guard seen.insert(32), scanner.bool(into: &hasEnded) else { return false }
        input.audioStreamEnd = hasEnded
        return true
      default: return false
      }
    }
  }

  private mutating func clientContent(into content: inout ClientContent) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "turns":
        guard seen.insert(1) else { return false }
        return scanner.list { scanner in
          var turn = Content()
          guard scanner.content(into: &turn) else { return false }
          content.turns.append(turn)
          return true
        }
      case "turnComplete": return seen.insert(2) && scanner.bool(into: &content.turnComplete)
      default: return false
      }
    }
  }
}
