// SPDX-License-Identifier: Apache-2.0

/// A conversation with the Live service that outlives its connections, tokens and handles.
///
/// A small value that may be copied and used from any task. It stays valid through reconnects and
/// restarts; after the session's end, sending throws and the sequences end.
public struct LiveSession: Sendable, Identifiable {
  let port: SessionPort

  /// The session's name within its broker.
  public var id: String { port.id }

  /// Sends one message.
  ///
  /// Returns when the broker has taken the message over: it is then sent in order, held through
  /// reconnects, and what becomes of it is reported. Text and turns wait for room while more than
  /// ``OutboxPolicy/byteLimit`` is waiting; media does not wait, it grows old and is dropped.
  ///
  /// - Throws: ``BrokerError`` when the session is over, the message is a setup, or the calling task
  ///   is cancelled while it waits (the message is then not sent).
  public func send(_ message: ClientMessage) async throws(BrokerError) {
    let prepared = try PreparedMessage(message)
    let limit = port.plan.configuration.outbox.byteLimit
    // What is dropped or goes first has room beyond what waits in line.
    let room =
      switch prepared.kind {
      case .text, .activity: limit
      case .audio, .video: limit * 2
      case .toolResponse: limit * 4
      }
    while try !port.reserve(prepared.frame.count, limit: room, mustFit: true) {
      await port.waitForRoom()
      if Task.isCancelled { throw .cancelled }
    }
    guard port.shard.mailbox.post(.message(port.address, prepared)) else {
      throw BrokerError(.brokerStopped, message: "the broker's run() has ended")
    }
  }

  /// Sends a complete turn of text.
  public func send(text: String) async throws(BrokerError) {
    let turn = Content(role: "user", parts: [Part(text: text)])
    try await send(.clientContent(ClientContent(turns: [turn], turnComplete: true)))
  }

  /// Sends a piece of speech: 16-bit little-endian mono PCM.
  ///
  /// - Parameter rate: samples per second; the same for the whole session.
  public func send(audio: [UInt8], rate: Int = 16_000) async throws(BrokerError) {
    var input = RealtimeInput()
    input.audio = Blob(mimeType: "audio/pcm;rate=\(rate)", data: audio)
    try await send(.realtimeInput(input))
  }

  /// What the service says, and what the broker adds in its place (``SessionMessage/origin``).
  ///
  /// One reader is meant; several share the messages. A reader that falls behind makes the broker
  /// stop reading the socket. Ends with nil when the session ended as somebody wanted; throws
  /// ``BrokerError`` when it failed or the reading task is cancelled.
  public var messages: SessionMessages { SessionMessages(port: port) }

  /// The session's changes of phase from now on, for any number of observers. Keeps the newest 64
  /// for a slow one; ends with the session.
  public var transitions: AsyncStream<SessionTransition> { port.transitions() }

  /// What each reconnect from now on took and cost, for any number of observers. Keeps the newest
  /// 64 for a slow one; ends with the session.
  public var reconnects: AsyncStream<ReconnectReport> { port.reconnects() }

  /// How the session ended; nil while it goes on.
  public var end: SessionEnd? { port.end }

  /// Closes the session and returns when it has ended, or when the calling task is cancelled.
  public func close() async {
    let end = SessionEnd(.closedByApplication, message: "the application closed the session")
    port.shard.mailbox.post(.close(port.address, end))
    await port.waitForEnd()
  }

  /// Fails the session's actor, as a bug would, so that supervision can be seen to work.
  package func injectFault(_ message: String) {
    port.shard.mailbox.post(.fault(port.address, message))
  }
}

/// The messages of one session.
public struct SessionMessages: AsyncSequence, Sendable {
  /// What the stream gives.
  public typealias Element = SessionMessage
  /// How the stream ends if its session failed.
  public typealias Failure = BrokerError

  let port: SessionPort

  /// Begins to read; there is one reader, see ``LiveSession/messages``.
  public func makeAsyncIterator() -> Iterator { Iterator(port: port) }

  /// Reads the messages of one session.
  public struct Iterator: AsyncIteratorProtocol {
    let port: SessionPort

    /// Waits for the next message. Cancelling the task ends the wait with an error; no message is
    /// lost by it.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(BrokerError) -> SessionMessage? {
      try await port.next(lowWatermark: port.plan.configuration.inbound.lowWatermark)
    }

    /// Waits for the next message, on no actor in particular.
    public mutating func next() async throws(BrokerError) -> SessionMessage? {
      try await port.next(lowWatermark: port.plan.configuration.inbound.lowWatermark)
    }
  }
}
