// SPDX-License-Identifier: Apache-2.0

#if NIO
import NIOCore

/// Stands between a connection's socket and everything else, TLS included: sees it come and go, and
/// can cut it without a word.
final class SocketTap: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// The connection's number among all that were accepted.
  let number: Int
  private let core: ServerCore
  private var context: ChannelHandlerContext?
  private var waits: UInt32 = 0
  /// Whether the peer owes a whole request.
  private(set) var isWaiting = false

  init(_ core: ServerCore) {
    self.core = core
    number = core.gauge.now.accepted
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { gone() }

  func channelInactive(context: ChannelHandlerContext) {
    gone()
    context.fireChannelInactive()
  }

  private func gone() {
    isWaiting = false
    guard context != nil else { return }
    context = nil
    core.closed(self)
  }

  /// Begins a wait for a request and answers its number.
  func beginWait() -> UInt32 {
    waits &+= 1
    isWaiting = true
    return waits
  }

  func endWait() { isWaiting = false }

  func isWaiting(_ wait: UInt32) -> Bool { isWaiting && wait == waits }

  /// Ends the TCP connection now: no close frame, and under TLS no farewell.
  func cut() { context?.close(mode: .all, promise: nil) }
}

/// Takes everything in and says nothing, on purpose.
final class SilentHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
#endif
