// SPDX-License-Identifier: Apache-2.0

/// What the application sends.
extension Session {
  /// Takes a message from the inbox: sends it at once if nothing waits before it, keeps it otherwise.
  func accept(_ message: PreparedMessage) {
    let now = port.shard.now
    guard let message = admissible(message) else { return }
    var item = Outbox.Item(message: message, acceptedAt: now)
    if message.kind == .audio {
      item.audio = audioOffset..<audioOffset + message.mediaBytes
      audioOffset += message.mediaBytes
    }
    if let generation = outlet(for: message.kind) {
      transmit(item, on: generation)
    } else {
      keep(item)
    }
  }

  /// The connection that may take a message of this kind now. A tool response does not wait for a
  /// planned move: its call dies with the connection.
  private func outlet(for kind: PreparedMessage.Kind) -> UInt32? {
    guard isWritable else { return nil }
    if kind == .toolResponse { return machine.live?.generation }
    return load?.outbox.isEmpty ?? true ? machine.sendingGeneration : nil
  }

  /// Hands to the connection what waited, in order, until it takes no more.
  func flush() {
    guard let load, let generation = machine.sendingGeneration else { return }
    while isWritable, let item = load.outbox.popFirst() { transmit(item, on: generation) }
  }

  private func keep(_ item: Outbox.Item) {
    let dropped = loadInUse().outbox.append(
      item, byteLimit: plan.configuration.outbox.byteLimit)
    drop(dropped)
  }

  func drop(_ items: [Outbox.Item]) {
    guard !items.isEmpty else { return }
    let load = loadInUse()
    for item in items { load.dropped.add(item) }
    port.release(items.reduce(0) { $0 + $1.message.frame.count })
    port.shard.assumeIsolated { $0.noteDropped(items.count) }
  }

  private func transmit(_ item: Outbox.Item, on generation: UInt32) {
    guard let connection = link(generation)?.connection else { return keep(item) }
    connection.send(.text(item.message.frame))
    port.release(item.message.frame.count)
    machine.sent(item.message.asksForAnswer ? .asksForAnswer : [], context)
    let load = loadInUse()
    load.ledger.sent(item, at: context.now, byteLimit: plan.configuration.outbox.byteLimit)
    measureDelay(load, behind: item.message.kind, on: generation)
  }

  /// Sends a ping behind what has just been sent, behind media only now and then: what a handle covers
  /// can be told only by somebody who knows how far behind the service is.
  private func measureDelay(
    _ load: SessionLoad, behind kind: PreparedMessage.Kind, on generation: UInt32
  ) {
    let context = context
    let isMedia = kind == .audio || kind == .video
    guard openPings == 0, machine.live?.generation == generation,
      !isMedia || !roundTrip.isFilled || context.now >= load.measuresAt
    else { return }
    load.measuresAt = context.now.advanced(by: RoundTrip.interval)
    perform(.ping(generation: generation), context)
  }

  // MARK: Tool responses

  /// What of a message may go out as it is. A tool response whose call is open goes; one whose call
  /// was lost with its connection becomes text or is refused, by policy.
  private func admissible(_ message: PreparedMessage) -> PreparedMessage? {
    guard let response = message.toolResponse else { return message }
    var open: [FunctionResponse] = []
    var late: [FunctionResponse] = []
    for answer in response.functionResponses {
      let isLast = answer.willContinue != true
      if machine.callAnswered(id: answer.id ?? "", isLast: isLast) {
        open.append(answer)
      } else {
        late.append(answer)
      }
    }
    guard !late.isEmpty else { return message }
    port.release(message.frame.count)
    lateResults(late)
    guard !open.isEmpty else { return nil }
    return charged(.toolResponse(ToolResponse(functionResponses: open)))
  }

  /// Results whose calls no longer exist: told as text, or dropped, by policy; counted either way.
  func lateResults(_ late: [FunctionResponse]) {
    port.shard.assumeIsolated { $0.noteLateResults(late.count) }
    guard plan.configuration.toolCalls.lateResult == .sendAsText else { return }
    for answer in late {
      let text =
        "Result of \(answer.name), which was called before the connection changed: "
        + String(decoding: answer.response.encoded(), as: UTF8.self)
      let turn = ClientContent(
        turns: [Content(role: "user", parts: [Part(text: text)])], turnComplete: true)
      guard let message = charged(.clientContent(turn)) else { continue }
      accept(message)
    }
  }

  /// A message of the broker's own, taken into account like one of the application's.
  func charged(_ message: ClientMessage) -> PreparedMessage? {
    guard let prepared = try? PreparedMessage(message),
      (try? port.reserve(prepared.frame.count, limit: .max, mustFit: false)) != nil
    else { return nil }
    return prepared
  }

  func lose(_ calls: [SessionMachine.OpenCall]) {
    loadInUse().lostCalls += calls
    deliver(.cancelled(calls.map(\.id)), bytes: 0)
  }

  /// The application did not answer in time: the model gets an error instead, so that it goes on.
  func expire(_ calls: [SessionMachine.OpenCall]) {
    let answers = calls.map { call in
      FunctionResponse(
        id: call.id, name: call.name,
        response: ["error": "no result within the time limit"])
    }
    deliver(.cancelled(calls.map(\.id)), bytes: 0)
    let response = ToolResponse(functionResponses: answers)
    guard var message = charged(.toolResponse(response)) else { return }
    message.toolResponse = nil
    accept(message)
  }
}

extension Losses {
  mutating func add(_ item: Outbox.Item) {
    switch item.message.kind {
    case .audio: add(audio: item.audio ?? 0..<0)
    case .video: videoBytes += item.message.mediaBytes
    case .text: textMessages += 1
    case .toolResponse: toolResponses += 1
    case .activity: break
    }
  }
}
