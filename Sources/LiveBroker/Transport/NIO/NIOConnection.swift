// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// One WebSocket on its event loop: the channel's only handler besides TLS, and the engine's hand
/// on it.
///
///     opening  ── upgraded ──▶ open ── close() ──▶ closing ──▶ finished
///
/// `opening` belongs to the ``NIODial``. From `open` on the sink is called, always on the loop, and
/// never from inside a call of the engine: what such a call brings about is told right after it.
/// `finished` is reached once, from anywhere, with at most one final signal.
final class NIOConnection: @unchecked Sendable {
  // Unchecked: everything below is touched only on `state.loop`.
  enum Phase {
    case opening, open, closing, finished
  }

  let state: LoopState
  let limits: NIOTransportConfiguration.Limits
  private let generation: UInt32
  private let usesTLS: Bool
  private var sink: (any ConnectionSink)?
  /// Who opens the connection; nil from `open` on.
  var dial: NIODial?
  private(set) var phase = Phase.opening
  private(set) var context: ChannelHandlerContext?
  private var reader: FrameReader
  /// What has arrived and is not delivered: part of a frame, or more while nobody reads.
  private var pending: ByteBuffer?
  private var isDelivering = false
  private var wantsReading = true
  /// Between a read and its completion writes are flushed together.
  private var isInRead = false
  private var needsFlush = false
  private var deadline: UInt32?
  /// Bytes given to the channel, to see whether the peer takes any.
  private var accepted = 0
  private var stallMark = (accepted: 0, buffered: 0)
  /// The largest message since the channel could last be written.
  private var largest = 0
  private var lastError: (any Error)?
  private var textsSent: UInt = 0
  /// Calls of the engine that have not returned: meanwhile the sink is not called.
  private var callDepth = 0
  private var isAborted = false
  /// What the sink was told last.
  private var toldWritable = true

  init(_ request: DialRequest, dial: NIODial, limits: NIOTransportConfiguration.Limits) {
    state = dial.state
    self.dial = dial
    self.limits = limits
    generation = request.generation
    usesTLS = request.endpoint.usesTLS
    sink = request.sink
    reader = FrameReader(
      maxFrame: min(max(limits.maxFrame, 125), 1 << 30),
      maxMessage: min(max(limits.maxMessage, 125), 1 << 30))
  }

  // MARK: Opening

  /// The upgrade is done; `rest` is what came behind it. The dial hands the connection over, then
  /// has it deliver.
  func opened(_ rest: ByteBuffer) {
    dial = nil
    phase = .open
    if rest.readableBytes > 0 { pending = rest }
  }

  /// Ends the channel without a handshake of any kind, and tells nobody.
  func drop() {
    isAborted = true
    finish(nil)
    disconnect()
  }

  func write(_ bytes: ByteBuffer) {
    guard let context else { return }
    accepted &+= bytes.readableBytes
    // While opening, a TLS handler may have come in between, which keeps completions to itself.
    if isInRead, phase != .opening {
      needsFlush = true
      context.write(NIOAny(bytes), promise: nil)
    } else {
      context.writeAndFlush(NIOAny(bytes), promise: nil)
    }
  }
}

// MARK: - What the engine asks

extension NIOConnection: LiveConnection {
  func send(_ frame: OutboundFrame) {
    guard isOnLoop else { return state.loop.execute { self.send(frame) } }
    guard phase == .open else { return }
    callDepth += 1
    defer { callDepth -= 1 }
    switch frame {
    case .text(let bytes):
      limitKernelAge()
      largest = max(largest, bytes.count)
      write(.text, bytes)
    case .ping(let bytes): write(.ping, Array(bytes.prefix(125)))
    }
    checkUnflushed()
  }

  func close(code: UInt16, reason: String) {
    guard isOnLoop else { return state.loop.execute { self.close(code: code, reason: reason) } }
    guard phase == .open else { return }
    callDepth += 1
    defer { callDepth -= 1 }
    writeClose(code: code, reason: reason)
    phase = .closing
    arm(limits.closeTimeout)
    // The answer stands behind what nobody has read.
    if !wantsReading { setAutoRead(true) }
    deliverSoon()
  }

  func abort() {
    guard isOnLoop else { return state.loop.execute { self.abort() } }
    callDepth += 1
    defer { callDepth -= 1 }
    drop()
  }

  func setReading(_ enabled: Bool) {
    guard isOnLoop else { return state.loop.execute { self.setReading(enabled) } }
    guard wantsReading != enabled else { return }
    callDepth += 1
    defer { callDepth -= 1 }
    wantsReading = enabled
    guard phase == .open else { return }
    setAutoRead(enabled)
    if enabled { deliverSoon() }
  }

  private var isOnLoop: Bool { state.loop.inEventLoop }

  private func write(_ opcode: FrameHeader.Opcode, _ payload: [UInt8]) {
    let mask: UInt32 = state.entropy.next()
    write(payload.withUnsafeBytes { FrameWriter.frame(opcode, $0, mask: mask) })
  }

  /// What the kernel holds for a peer that is gone has an age, too. The answer to a setup has a
  /// deadline of its own, so this waits for the second message; many connections never see one.
  private func limitKernelAge() {
    #if os(Linux)
    textsSent &+= 1
    guard textsSent == 2 else { return }
    let age = Int32(clamping: max(0, limits.maxUnflushedAge.nanoseconds / 1_000_000))
    let userTimeout = ChannelOptions.tcpOption(Self.tcpUserTimeout)
    try? context?.channel.syncOptions?.setOption(userTimeout, value: SocketOptionValue(age))
    #endif
  }

  #if os(Linux)
  /// `TCP_USER_TIMEOUT`.
  private static let tcpUserTimeout = NIOBSDSocket.Option(rawValue: 18)
  #endif

  private func writeClose(code: UInt16, reason: String) {
    write(FrameWriter.close(code: code, reason: reason, mask: state.entropy.next()))
  }

  private func setAutoRead(_ enabled: Bool) {
    try? context?.channel.syncOptions?.setOption(.autoRead, value: enabled)
  }
}

// MARK: - What arrives

extension NIOConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    state.sockets.add(1, ordering: .relaxed)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    state.sockets.subtract(1, ordering: .relaxed)
  }

  func channelActive(context: ChannelHandlerContext) { dial?.connected() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    dial?.heard(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isInRead = true
    let bytes = unwrapInboundIn(data)
    switch phase {
    case .opening: dial?.received(bytes)
    case .open, .closing:
      append(bytes)
      deliver()
    case .finished: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isInRead = false
    guard needsFlush else { return }
    needsFlush = false
    context.flush()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard phase == .open else { return }
    let isWritable = context.channel.isWritable
    if isWritable {
      disarm()
      largest = 0
    } else {
      watchProgress()
    }
    tellWritability()
  }

  /// Tells what is so when the sink may be called, unless it has been told: between a call of the
  /// engine and what is told right after it, a flush behind a read may turn it round again.
  private func tellWritability() {
    guard callDepth == 0 else { return state.loop.execute { self.tellWritability() } }
    guard phase == .open, let isWritable = context?.channel.isWritable,
      isWritable != toldWritable
    else { return }
    toldWritable = isWritable
    tell(.writable(isWritable))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A peer that ends TCP without ending TLS has ended; the channel says so itself.
    if error as? NIOSSLError == .uncleanShutdown { return }
    if let dial { return dial.failed(error) }
    lastError = lastError ?? error
    disconnect()
  }

  func channelInactive(context: ChannelHandlerContext) {
    switch phase {
    case .opening: dial?.ended()
    // A write may have found the end first, inside a call of the engine.
    case .open, .closing: state.loop.execute { self.connectionLost() }
    case .finished: break
    }
  }

  /// The channel is gone: what has arrived is delivered, whoever wants to read, then the end told.
  private func connectionLost() {
    wantsReading = true
    deliver()
    guard phase != .finished else { return }
    finish(
      .failed(
        TransportError(
          .connectionLost, message: "the connection ended without a close frame", cause: lastError))
    )
  }

  private func append(_ bytes: ByteBuffer) {
    guard var waiting = pending.take() else {
      pending = bytes
      return
    }
    var bytes = bytes
    waiting.writeBuffer(&bytes)
    pending = waiting
  }

  private func deliverSoon() {
    guard pending != nil else { return }
    state.loop.execute { self.deliver() }
  }

  func deliver() {
    guard callDepth == 0 else { return deliverSoon() }
    guard !isDelivering else { return }
    isDelivering = true
    defer { isDelivering = false }
    while phase == .closing || (phase == .open && wantsReading), var bytes = pending.take() {
      do throws(FrameViolation) {
        guard let event = try reader.next(from: &bytes) else { return keep(bytes) }
        pending = bytes
        take(event)
      } catch {
        return violated(error)
      }
    }
  }

  /// Keeps the start of a frame, without what was consumed before it.
  private func keep(_ bytes: ByteBuffer) {
    guard bytes.readableBytes > 0, phase != .finished else { return }
    var bytes = bytes
    if bytes.readableBytes < 1024 {
      bytes = ByteBuffer(buffer: bytes.slice())
    } else if bytes.readerIndex > 0 {
      bytes.discardReadBytes()
    }
    pending = bytes
  }

  private func take(_ event: FrameEvent) {
    switch event {
    case .message(let bytes):
      guard let sink else { return }
      bytes.withUnsafeReadableBytes { sink.connection(generation, received: $0) }
    case .ping(let data):
      // Behind a close frame nothing is sent; to a peer who does not read, nothing is added.
      guard phase == .open, context?.channel.isWritable == true else {
        state.pongsDropped.add(1, ordering: .relaxed)
        return
      }
      write(.pong, Array(buffer: data))
    case .pong(let data): tell(.pong(Array(buffer: data)))
    case .close(let code, let reason):
      if phase == .open { writeClose(code: code ?? 1000, reason: "") }
      flushNow()
      finish(.closed(code: code, reason: reason))
      disconnect(isOrderly: true)
    }
  }

  private func violated(_ violation: FrameViolation) {
    if phase == .open { writeClose(code: violation.code, reason: violation.message) }
    flushNow()
    fail(.protocolViolation, "the peer sent \(violation.message)")
  }

  private func flushNow() {
    guard needsFlush else { return }
    needsFlush = false
    context?.flush()
  }
}

// MARK: - The end, and who waits for it

extension NIOConnection: DeadlineOwner {
  func deadlinePassed() {
    deadline = nil
    switch phase {
    case .closing: fail(.timedOut, "the close frame was not answered")
    case .open: checkProgress()
    case .opening, .finished: break
    }
  }

  private func arm(_ duration: Duration) {
    disarm()
    deadline = state.arm(self, in: duration)
  }

  private func disarm() {
    if let slot = deadline.take() { state.disarm(slot) }
  }

  /// The channel holds more than it should: from now on the peer must take some within a time.
  private func watchProgress() {
    guard phase == .open else { return }
    stallMark = (accepted, bufferedBytes)
    arm(limits.maxUnflushedAge)
  }

  private func checkProgress() {
    guard context?.channel.isWritable == false else { return }
    let grown = bufferedBytes - stallMark.buffered
    guard accepted &- stallMark.accepted > grown else {
      return fail(.connectionLost, "the peer took no bytes for \(limits.maxUnflushedAge)")
    }
    watchProgress()
  }

  /// However large it is, one message is no sign of a peer that does not read.
  private func checkUnflushed() {
    guard context?.channel.isWritable == false, bufferedBytes - largest > limits.maxUnflushed
    else { return }
    fail(.connectionLost, "the peer left \(limits.maxUnflushed) bytes untaken")
  }

  private var bufferedBytes: Int {
    (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  private func fail(_ code: TransportError.Code, _ message: String) {
    finish(.failed(TransportError(code, message: message, cause: lastError)))
    disconnect()
  }

  /// Enters the last phase; tells the sink, unless the engine itself has dropped the connection.
  private func finish(_ signal: ConnectionSignal?) {
    guard phase != .finished else { return }
    disarm()
    dial = nil
    pending = nil
    phase = .finished
    if let signal { tell(signal) }
    sink = nil
  }

  /// What a call of the engine brings about is told once it has returned.
  private func tell(_ signal: ConnectionSignal) {
    guard let sink else { return }
    guard callDepth > 0 else { return sink.connection(generation, signalled: signal) }
    let isFinal = phase == .finished
    state.loop.execute { [self] in
      guard !isAborted, isFinal || phase != .finished else { return }
      sink.connection(generation, signalled: signal)
    }
  }

  /// Ends the channel. TLS would wait for the peer's farewell; an orderly end sends ours and goes.
  private func disconnect(isOrderly: Bool = false) {
    guard let context else { return }
    guard usesTLS else { return context.close(promise: nil) }
    if isOrderly { context.close(mode: .output, promise: nil) }
    // Where the peer's farewell came with what is being read, TLS is about to end by itself. Closed
    // beneath it, it would keep its buffers, 50 kB, until its own patience is over.
    guard isInRead else { return closeBeneathTLS() }
    state.loop.execute { self.closeBeneathTLS() }
  }

  private func closeBeneathTLS() {
    guard let context else { return }
    let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
    (tls ?? context).close(promise: nil)
  }
}
#endif
