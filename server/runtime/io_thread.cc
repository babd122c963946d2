#include "server/runtime/io_thread.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/protected_fixedsize_stack.hpp>
#include <exception>
#include <future>
#include <system_error>
#include <utility>

#include "server/runtime/io_thread_impl.h"

namespace entail::runtime {
namespace {

// Fibers read and write bytes; what is deep runs on the engine's thread.
constexpr std::size_t kStackBytes = std::size_t{64} << 10U;

}  // namespace

Expected<std::unique_ptr<IoThread>> IoThread::start() {
  try {
    auto impl = std::make_unique<Impl>();
    auto io = std::unique_ptr<IoThread>(new IoThread(std::move(impl)));
    io->impl_->stop = std::make_unique<FiberWait>(*io);
    io->impl_->thread = std::thread([state = io->impl_.get()] { state->serve(); });
    return io;
  } catch (const std::exception& fault) {
    return unexpected(ErrorCode::kIo, std::string("no I/O thread can be started: ") + fault.what());
  }
}

IoThread::IoThread(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IoThread::~IoThread() {
  if (!impl_->thread.joinable()) return;
  impl_->stop->signal();
  impl_->thread.join();
}

void IoThread::spawn(std::function<void()> body) {
  boost::asio::post(impl_->io, [body = std::move(body)]() mutable {
    boost::fibers::fiber(std::allocator_arg, boost::fibers::protected_fixedsize_stack(kStackBytes),
                         std::move(body))
        .detach();
  });
}

void IoThread::run(std::function<void()> body) {
  std::promise<void> done;
  spawn([&] {
    body();
    done.set_value();
  });
  done.get_future().wait();
}

// ------------------------------------------------------------------------------ the thread

void IoThread::Impl::serve() {
  boost::fibers::use_scheduling_algorithm<IoAlgorithm>(io);
  // This is the thread's first fiber; when it ends, the scheduler waits for all others.
  stop->wait();
}

void IoThread::Impl::signal(FiberWait& wait) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex);
    is_first = signalled.empty();
    signalled.push_back(&wait);
  }
  if (is_first) boost::asio::post(io, [this] { deliver(); });
}

void IoThread::Impl::deliver() {
  std::vector<FiberWait*> waits;
  {
    const std::lock_guard lock(mutex);
    waits.swap(signalled);
  }
  for (FiberWait* const wait : waits) {
    wait->is_signalled_ = true;
    if (wait->context_ == nullptr) continue;
    auto* const context = static_cast<boost::fibers::context*>(wait->context_);
    wait->context_ = nullptr;
    boost::fibers::context::active()->schedule(context);
  }
}

FiberWait::FiberWait(IoThread& io) : io_(io.impl()) {}

void FiberWait::wait() {
  boost::fibers::context* const context = boost::fibers::context::active();
  while (!is_signalled_) {
    context_ = context;
    context->suspend();
  }
  is_signalled_ = false;
}

void FiberWait::signal() { io_.signal(*this); }

}  // namespace entail::runtime
