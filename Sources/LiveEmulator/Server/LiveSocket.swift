// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOWebSocket

/// One WebSocket of a client: frames in, messages to the core; messages from the core, frames out.
///
/// The service decides everything; this knows only the protocol: masks, fragments, close handshake,
/// limits, and that a client that does not read is not read from either.
final class LiveSocket: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  let id: ConnectionID
  private let core: ServerCore
  private let tap: SocketTap
  private var context: ChannelHandlerContext?
  /// Fragments of a message that has not ended; nil between messages.
  private var fragments: [UInt8]?
  private var hasSentClose = false
  private var hasReceivedClose = false
  private var isReadHeld = false
  /// Answers to pings that wait for their time.
  private var owedPongs = 0
  /// The rest of a torn message and what follows it, until it is mended.
  private var tail: ByteBuffer?

  init(id: ConnectionID, core: ServerCore, tap: SocketTap) {
    self.id = id
    self.core = core
    self.tap = tap
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { gone() }

  func channelInactive(context: ChannelHandlerContext) {
    gone()
    context.fireChannelInactive()
  }

  private func gone() {
    guard context != nil else { return }
    context = nil
    core.detached(id)
  }

  // MARK: In

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasReceivedClose else { return }
    let frame = unwrapInboundIn(data)
    guard let mask = frame.maskKey else { return refuse(.protocolError, "a frame without a mask") }
    guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
      return refuse(.protocolError, "a reserved bit")
    }
    switch frame.opcode {
    case .text, .binary:
      guard fragments == nil else { return refuse(.protocolError, "a message within a message") }
      take(frame, mask)
    case .continuation:
      guard fragments != nil else { return refuse(.protocolError, "a fragment of nothing") }
      take(frame, mask)
    case .ping: core.pinged(self, frame.unmaskedData)
    case .pong: break
    case .connectionClose: takeClose(frame.unmaskedData)
    default: refuse(.protocolError, "an unknown opcode")
    }
  }

  private func take(_ frame: WebSocketFrame, _ mask: WebSocketMaskingKey) {
    let limit = core.configuration.limits.messageBytes
    let length = frame.data.readableBytes + (fragments?.count ?? 0)
    guard length <= limit else { return refuse(.messageTooLarge, "a message over the limit") }
    if frame.fin, fragments == nil {
      core.scratch.removeAll(keepingCapacity: core.scratch.capacity <= 1 << 20)
      Unmasking.append(frame.data, mask, to: &core.scratch)
      core.scratch.withUnsafeBytes { core.received(id, $0) }
      return
    }
    var message = fragments.take() ?? []
    Unmasking.append(frame.data, mask, to: &message)
    if frame.fin {
      message.withUnsafeBytes { core.received(id, $0) }
    } else {
      fragments = message
    }
  }

  private func takeClose(_ data: ByteBuffer) {
    var data = data
    let code = data.readInteger(as: UInt16.self)
    guard code != nil || data.readableBytes == 0 else {
      return refuse(.protocolError, "half a close code")
    }
    guard code.map(Self.mayBeSent) != false else {
      return refuse(.protocolError, "a close code that may not be sent")
    }
    guard String(validating: data.readableBytesView, as: UTF8.self) != nil else {
      return refuse(.dataInconsistentWithMessage, "a close reason that is not UTF-8")
    }
    hasReceivedClose = true
    let isAnswer = hasSentClose
    core.closeReceived(id, code: code, reason: String(buffer: data))
    if isAnswer { finish() }
  }

  /// The codes that may stand in a close frame (RFC 6455, 7.4; 1012 to 1014 are registered since).
  private static func mayBeSent(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error as? NIOWebSocketError {
    case .invalidFrameLength: refuse(.messageTooLarge, "a frame over the limit")
    case .fragmentedControlFrame, .multiByteControlFrameLength:
      refuse(.protocolError, "a control frame that is too long or in pieces")
    case nil: context.close(promise: nil)
    }
  }

  /// The client broke the protocol: it is told, and the connection ends.
  private func refuse(_ code: WebSocketErrorCode, _ what: String) {
    guard let context, !hasReceivedClose else { return }
    hasReceivedClose = true
    let number = UInt16(webSocketErrorCode: code)
    core.violated(id, code: number, what: what)
    if !hasSentClose {
      hasSentClose = true
      write(ServerFrame.close(number, "", context.channel.allocator))
    }
    finish()
  }

  /// Ends TCP once everything written is out, or after a while.
  private func finish() {
    guard let context else { return }
    core.waits(tap)
    mend()
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(promise: nil) }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
  }

  // MARK: Out

  var isTorn: Bool { tail != nil }

  /// Writes a message, its bytes cut at a share of them, if there is one. Answers whether a flush is due.
  func send(_ message: [UInt8], split: Bool, tornAt share: Double? = nil) -> Bool {
    guard let context, !hasSentClose else { return false }
    let opcode: WebSocketOpcode = core.configuration.variants.sendsTextFrames ? .text : .binary
    let allocator = context.channel.allocator
    if split, message.count > 1 {
      let half = message.count / 2
      write(ServerFrame.data(message[..<half], opcode, isLast: false, allocator))
      write(ServerFrame.ping(allocator))
      write(ServerFrame.data(message[half...], .continuation, isLast: true, allocator))
    } else {
      write(ServerFrame.data(message[...], opcode, isLast: true, allocator), tornAt: share)
    }
    cutIfSlow()
    return true
  }

  /// Whether one more ping may be answered later; counts it if so.
  func mayOwePong() -> Bool {
    guard owedPongs < 32 else { return false }
    owedPongs += 1
    return true
  }

  func pong(_ data: ByteBuffer) {
    owedPongs = max(0, owedPongs - 1)
    guard let context, !hasSentClose else { return }
    write(ServerFrame.pong(data, context.channel.allocator))
    context.flush()
  }

  /// Sends a close frame: ours, or the answer to the client's, after which TCP ends too.
  func close(code: UInt16, reason: String) {
    guard let context, !hasSentClose else { return }
    hasSentClose = true
    write(ServerFrame.close(code, reason, context.channel.allocator))
    if hasReceivedClose { finish() } else { context.flush() }
  }

  /// Ends TCP without a word.
  func cut() { tap.cut() }

  func flush() { context?.flush() }

  private func write(_ frame: ByteBuffer, tornAt share: Double? = nil) {
    guard tail == nil else {
      tail?.writeImmutableBuffer(frame)
      return
    }
    var frame = frame
    if let share {
      let length = 1 + Int(share * Double(frame.readableBytes - 1))
      tail = frame.getSlice(at: frame.readerIndex + length, length: frame.readableBytes - length)
      frame.moveWriterIndex(to: frame.readerIndex + length)
    }
    context?.write(wrapOutboundOut(frame), promise: nil)
  }

  /// Lets go of the rest of what was torn.
  func mend() {
    guard let rest = tail.take() else { return }
    context?.writeAndFlush(wrapOutboundOut(rest), promise: nil)
  }

  // MARK: Back-pressure

  /// What waits for a client that does not read is bounded: beyond it the connection is cut.
  private func cutIfSlow() {
    guard let context, !context.channel.isWritable || isTorn else { return }
    let written = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
    let waiting = (written ?? 0) + (tail?.readableBytes ?? 0)
    guard waiting > core.configuration.limits.outboundBytes else { return }
    core.isSlow(id, bytes: waiting)
    tap.cut()
  }

  /// Nothing is read while the client does not read: its pings would pile up their answers.
  func read(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      context.read()
    } else {
      isReadHeld = true
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable, isReadHeld {
      isReadHeld = false
      context.read()
    }
    context.fireChannelWritabilityChanged()
  }
}
#endif
