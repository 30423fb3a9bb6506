// SPDX-License-Identifier: Apache-2.0

extension FrameScanner {
  /// Reads the frames that a running session consists of: pieces of the answer and of transcripts,
  /// the marks of a turn with their usage, calls and their cancellations, handle updates, `goAway` and
  /// `setupComplete`. If it answers false, the message is to be thrown away.
  static func read(_ bytes: UnsafeRawBufferPointer, into message: inout ServerMessage) -> Bool {
    var scanner = FrameScanner(bytes)
    var seen = SeenFields()
    return scanner.object { scanner, name in
      switch name {
      case "serverContent":
        return seen.insert(1)
          && scanner.fill(&message.serverContent, ServerContent()) {
            $0.serverContent(into: &$1)
          }
      case "sessionResumptionUpdate":
        return seen.insert(2)
          && scanner.fill(&message.sessionResumptionUpdate, SessionResumptionUpdate()) {
            $0.resumptionUpdate(into: &$1)
          }
      case "goAway":
        guard seen.insert(4), let goAway = scanner.goAway() else { return false }
        message.goAway = goAway
        return true
      case "setupComplete":
        guard seen.insert(8), scanner.emptyObject() else { return false }
        message.setupComplete = SetupComplete()
        return true
      case "usageMetadata":
        var usage = UsageMetadata()
        guard seen.insert(16), scanner.usage(into: &usage) else { return false }
        message.usageMetadata = usage
        return true
      case "toolCall":
        var toolCall = ToolCall()
        guard seen.insert(32), scanner.toolCall(into: &toolCall) else { return false }
        message.toolCall = toolCall
        return true
      case "toolCallCancellation":
        var cancellation = ToolCallCancellation()
        guard seen.insert(64), scanner.cancellation(into: &cancellation) else { return false }
        message.toolCallCancellation = cancellation
        return true
      default: return false
      }
    } && scanner.isAtEnd()
  }

  private mutating func serverContent(into content: inout ServerContent) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "modelTurn":
        return seen.insert(1)
          && scanner.fill(&content.modelTurn, Content()) { $0.content(into: &$1) }
      case "outputTranscription":
        return seen.insert(2)
          && scanner.fill(&content.outputTranscription, Transcription()) {
            $0.transcription(into: &$1)
          }
      case "inputTranscription":
        return seen.insert(4)
          && scanner.fill(&content.inputTranscription, Transcription()) {
            $0.transcription(into: &$1)
          }
      case "generationComplete":
        return seen.insert(8) && scanner.bool(into: &content.generationComplete)
      case "turnComplete": return seen.insert(16) && scanner.bool(into: &content.turnComplete)
      case "interrupted": return seen.insert(32) && scanner.bool(into: &content.interrupted)
      default: return false
      }
    }
  }

  private mutating func transcription(into transcription: inout Transcription) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "text":
        guard seen.insert(1), let text = scanner.string() else { return false }
        transcription.text = text
        return true
      case "finished": return seen.insert(2) && scanner.bool(into: &transcription.finished)
      default: return false
      }
    }
  }

  private mutating func resumptionUpdate(into update: inout SessionResumptionUpdate) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "newHandle":
        guard seen.insert(1), let run = scanner.plainString(), run.isASCII else { return false }
        update.newHandle = run.isEmpty ? nil : Secret(utf8: run)
        return true
      case "resumable": return seen.insert(2) && scanner.bool(into: &update.resumable)
      case "lastConsumedClientMessageIndex":
        guard seen.insert(4), let value = scanner.integer() else { return false }
        update.lastConsumedClientMessageIndex = value
        return true
      default: return false
      }
    }
  }

  private mutating func goAway() -> GoAway? {
    var timeLeft: Duration?
    let isComplete = object { scanner, name in
      guard "timeLeft" ~= name, timeLeft == nil, let run = scanner.plainString() else {
        return false
      }
      timeLeft = WireDuration.parse(run)
      return timeLeft != nil
    }
    return isComplete ? GoAway(timeLeft: timeLeft) : nil
  }
}

/// Which fields of an object have been read, since a repeated one is for the full decoder.
struct SeenFields {
  private var bits: UInt16 = 0

  /// Answers whether the field is new.
  @inline(__always)
  mutating func insert(_ bit: UInt16) -> Bool {
    let isNew = bits & bit == 0
    bits |= bit
    return isNew
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var isASCII: Bool { allSatisfy { $0 < 0x80 } }
}
