// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// What the client sends after its setup.
extension LiveService {
  /// A whole message came, text or binary frame alike. The bytes are read during the call only.
  public mutating func received(
    _ connection: ConnectionID, _ payload: UnsafeRawBufferPointer, at instant: EngineInstant
  ) {
    advance(to: instant)
    totals.messagesReceived += 1
    totals.bytesReceived += payload.count
    guard let slot = connections.slot(connection) else {
      totals.messagesIgnored += 1
      return
    }
    touch(slot)
    if now > connections.slots[slot].blameAfter, !connections.slots[slot][.excused] {
      broke(.messageAfterExpiry, slot: slot)
    }
    guard connections.slots[slot].phase != .closing, !connections.slots[slot][.silent] else {
      totals.messagesIgnored += 1
      return
    }
    connections.slots[slot].messageIndex += 1
    switch connections.slots[slot].phase {
    case .upgraded: setupReceived(slot, payload)
    case .settingUp:
      broke(.messageBeforeSetupComplete, slot: slot)
      // It is read in order, hence after the setup, whose answer it does not wait for.
      guard !connections.slots[slot][.stalls] else { return }
      completeSetup(slot)
      messageReceived(slot, payload)
    case .live: messageReceived(slot, payload)
    case .closing, .free: break
    }
  }

  private mutating func messageReceived(_ slot: Int, _ payload: UnsafeRawBufferPointer) {
    let message: ClientMessage
    do throws(WireError) { message = try ClientMessage.decode(payload) } catch {
      broke(.malformedMessage, slot: slot)
      close(slot, error.path.isEmpty ? .malformedPayload : .invalidArgument)
      return
    }
    let session = Int(connections.slots[slot].session)
    switch message {
    case .realtimeInput(let input): take(input, session, slot)
    case .clientContent(let content): take(content, session, slot)
    case .toolResponse(let response): take(response, session, slot)
    case .contextUpdate:
      sessions[session].received.tallies.contextUpdates.add(bytes: 0)
      sessions[session].remembered.tallies.contextUpdates.add(bytes: 0)
      remember(.contextUpdate, session)
    case .setup:
      broke(.setupOutOfOrder, slot: slot, session: session)
      close(slot, .preconditionFailed)
    case .unknown(let value):
      broke(.malformedMessage, slot: slot, session: session)
      let name = value.objectValue?.members.first?.name
      close(slot, name.map { .unknownName($0, at: nil) } ?? .invalidArgument)
    }
  }

  mutating func remember(_ kind: RememberedItem.Kind, _ session: Int) {
    sessions[session].remembered.add(kind, keeping: configuration.accounts.itemsKept)
    markDirty(session)
  }

  // MARK: Realtime input

  private mutating func take(_ input: RealtimeInput, _ session: Int, _ slot: Int) {
    if let unknown = input.unknownFields.members.first {
      broke(.malformedMessage, slot: slot, session: session)
      close(slot, .unknownName(unknown.name, at: "realtime_input"))
      return
    }
    sessions[session].takesHistory = false
    if input.activityStart || input.activityEnd, !sessions[session].has(.manualActivity) {
      close(slot, .explicitActivity)
      return
    }
    if input.activityStart { activityStarted(session) }
    if let audio = input.audio { takeAudio(audio.data, session) }
    if let video = input.video { takeVideo(video.data, session) }
    if let chunk = input.mediaChunks.first { takeChunk(chunk, session) }
    if let text = input.text { takeText(text, session, slot) }
    if input.activityEnd { activityEnded(session) }
    if input.audioStreamEnd == true { streamEnded(session) }
  }

  private mutating func takeChunk(_ chunk: Blob, _ session: Int) {
    if chunk.mimeType.hasPrefix("audio/") {
      takeAudio(chunk.data, session)
    } else {
      takeVideo(chunk.data, session)
    }
  }

  private mutating func takeAudio(_ data: [UInt8], _ session: Int) {
    sessions[session].received.tallies.audio.add(bytes: data.count)
    sessions[session].received.audioDigest.update(data)
    sessions[session].remembered.addAudio(data, keeping: configuration.accounts)
    markDirty(session)
    if !Self.isSilence(data) { heardSpeech(session, bytes: data.count) }
  }

  /// Samples that are all zero are no speech. One that is not is usually found at once.
  private static func isSilence(_ data: [UInt8]) -> Bool {
    data.allSatisfy { $0 == 0 }
  }

  private mutating func takeVideo(_ data: [UInt8], _ session: Int) {
    var digest = StreamDigest()
    digest.update(data)
    sessions[session].received.tallies.video.add(bytes: data.count)
    sessions[session].remembered.tallies.video.add(bytes: data.count)
    remember(.video(bytes: data.count, digest: digest.value), session)
    if sessions[session].remembered.tallies.video.count == 1 { armLimit(session) }
  }

  private mutating func takeText(_ text: String, _ session: Int, _ slot: Int) {
    sessions[session].received.tallies.text.add(bytes: text.utf8.count)
    sessions[session].remembered.tallies.text.add(bytes: text.utf8.count)
    remember(.text(text), session)
    lookForSecrets(text, session, slot)
    interrupt(session)
    beginTurn(session, plan(for: text, session))
  }

  private mutating func mark(_ kind: RememberedItem.Kind, _ session: Int) {
    sessions[session].received.tallies.marks.add(bytes: 0)
    sessions[session].remembered.tallies.marks.add(bytes: 0)
    remember(kind, session)
  }

  private mutating func activityStarted(_ session: Int) {
    mark(.activityStart, session)
    speechStarted(session)
  }

  private mutating func activityEnded(_ session: Int) {
    mark(.activityEnd, session)
    utteranceEnded(session)
  }

  private mutating func streamEnded(_ session: Int) {
    mark(.audioStreamEnd, session)
    if !sessions[session].has(.manualActivity) { utteranceEnded(session) }
  }

  // MARK: Content

  private mutating func take(_ content: ClientContent, _ session: Int, _ slot: Int) {
    let texts = content.turns.flatMap { $0.parts.compactMap(\.text) }
    let text = texts.count == 1 ? texts[0] : texts.joined(separator: "\n")
    sessions[session].received.tallies.content.add(bytes: text.utf8.count)
    let isHistory = sessions[session].takesHistory
    if sessions[session].has(.strictModel), !isHistory {
      broke(.contentForbidden, slot: slot, session: session)
      close(slot, .invalidArgument)
      return
    }
    sessions[session].remembered.tallies.content.add(bytes: text.utf8.count)
    remember(.content(text, turnComplete: content.turnComplete), session)
    lookForSecrets(text, session, slot)
    if isHistory {
      if content.turnComplete { sessions[session].takesHistory = false }
      return
    }
    interrupt(session)
    if content.turnComplete { beginTurn(session, plan(for: text, session)) }
  }

  // MARK: Tool responses

  private mutating func take(_ message: ToolResponse, _ session: Int, _ slot: Int) {
    if let ending = sessions[session].talk.ending.take() {
      totals.messagesIgnored += 1
      return end(slot, ending)
    }
    for response in message.functionResponses {
      let json = response.response.encoded()
      sessions[session].received.tallies.toolResponses.add(bytes: json.count)
      guard case .object = response.response, let id = response.id, !id.isEmpty else {
        broke(.malformedMessage, slot: slot, session: session)
        close(slot, .invalidArgument)
        return
      }
      guard let index = sessions[session].talk.pending.firstIndex(of: id) else {
        responseWithoutCall(id, session, slot)
        continue
      }
      if response.willContinue != true { sessions[session].talk.pending.remove(at: index) }
      let text = String(decoding: json, as: UTF8.self)
      sessions[session].remembered.tallies.toolResponses.add(bytes: json.count)
      remember(.toolResponse(id: id, name: response.name, response: text), session)
      lookForSecrets(text, session, slot)
      if sessions[session].talk.pending.isEmpty { callsAnswered(session, lastResponse: text) }
    }
  }

  /// The service ignores it, as 2.5 does. If the call was cancelled a moment ago, the two crossed.
  private mutating func responseWithoutCall(_ id: String, _ session: Int, _ slot: Int) {
    let talk = sessions[session].talk
    let isExcused = connections.slots[slot][.excused]
    if talk.cancelled.contains(id), isExcused || now - talk.cancelledAt <= pace.tolerance {
      totals.responsesCrossedCancellation += 1
    } else {
      broke(.toolResponseWithoutCall, slot: slot, session: session)
    }
  }

  // MARK: Secrets

  /// A token's prefix, or one of our handles, in what the model gets to read.
  private mutating func lookForSecrets(_ text: String, _ session: Int, _ slot: Int) {
    let bytes = Array(text.utf8)
    if bytes.count >= 12, Conversation.mentions("auth_tokens/", in: bytes) || holdsHandle(bytes) {
      broke(.secretInContent, slot: slot, session: session)
    }
  }

  private func holdsHandle(_ text: [UInt8]) -> Bool {
    guard text.count >= 100 else { return false }
    return text.withUnsafeBytes { bytes in
      var start = 0
      for index in 0...bytes.count {
        if index < bytes.count, Self.isHandleCharacter(bytes[index]) { continue }
        if index - start == 100,
          handles.number(in: UnsafeRawBufferPointer(rebasing: bytes[start..<index])) != nil
        {
          return true
        }
        start = index + 1
      }
      return false
    }
  }

  private static func isHandleCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
